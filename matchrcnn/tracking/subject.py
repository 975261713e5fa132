"""A run as MLflow shows it: names, parameters, tags and words, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from matchrcnn.config import INITIAL, RunConfig, Section
from matchrcnn.paths import flatten
from matchrcnn.project import Project, Run, TrainingSummary
from matchrcnn.tracking.origin import origin_tags, preset_run

TRAINING = "mlflow.matchrcnn.training"
"""Tag with the digest of all that a training is made from. MLflow's UI hides tags that begin with its name."""

NAMED_CHANGES = 2
"""Changed parameters that a run's name holds; more are counted."""


@dataclass(frozen=True)
class Subject:
    """A run as MLflow shows it.

    Attributes:
        name: the run's name in params.yaml, and what differs from its preset.
        training: digest of all that the training is made from.
        data: the data set in words.
        images, items: training images, and the items on them.
        train_file, validation_file: the converted annotations, relative to the project.
        note: what the run is, in a sentence of Markdown.
    """

    name: str
    training: str
    data: str
    images: int
    items: int
    train_sha256: str
    validation_sha256: str
    train_file: str
    validation_file: str
    params: dict[str, str]
    tags: dict[str, str]
    note: str

    @property
    def experiment(self) -> str:
        """Name of its data set's experiment."""
        return f"{self.data} {self.train_sha256[:8]}"

    def as_json(self) -> dict[str, Any]:
        """Return plain values, from which `Subject(**values)` makes it again."""
        return asdict(self)


def describe(run: Run, config: RunConfig, summary: TrainingSummary, tags: Mapping[str, str] | None = None) -> Subject:
    """Describe a run for MLflow.

    Args:
        run: its project knows the preset and the files of data.
        config: the configuration that the model was, or will be, trained with.
        summary: what its training is made from.
        tags: more tags, as commit and hardware of the training.
    """
    base = preset_run(run)
    changed = changes(config, base) if base else {}
    return Subject(
        name=run_name(config.name, changed),
        training=summary.digest,
        data=summary.data,
        images=summary.images,
        items=summary.items,
        train_sha256=summary.train_sha256,
        validation_sha256=summary.validation_sha256,
        train_file=_annotations(run.project, "train"),
        validation_file=_annotations(run.project, "validation"),
        params=flat_params(config),
        tags={"task": config.task, "schedule": config.schedule, TRAINING: summary.digest}
        | origin_tags(run)
        | dict(tags or {}),
        note=_note(config, summary, changed),
    )


def flat_params(section: Section) -> dict[str, str]:
    """Return a configuration as searchable parameters: keys as `training.base_lr`, values as in YAML, lists bare."""
    return {path: _spelled(value) for path, value in flatten(section.model_dump(mode="json"), ".").items()}


def _annotations(project: Project, split: str) -> str:
    return project.annotations(split).relative_to(project.root).as_posix()


def _spelled(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if isinstance(value, list):  # in brackets, MLflow's UI spreads it over as many lines as it has values
        return ", ".join(map(_spelled, value))
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def changes(config: RunConfig, base: RunConfig) -> dict[str, tuple[str, str]]:
    """Return what a configuration changes in another: parameter -> (before, now); "" where there is none."""
    before, now = flat_params(base), flat_params(config)
    keys = [*now, *(key for key in before if key not in now)]
    return {key: (before.get(key, ""), now.get(key, "")) for key in keys if before.get(key) != now.get(key)}


def run_name(name: str, changed: Mapping[str, tuple[str, str]]) -> str:
    """Name a run so that variants differ: `detection base_lr=0.001`, or `detection seed=3 flip=false +4`."""
    named = [f"{key.rpartition('.')[2]}={now}" for key, (_, now) in list(changed.items())[:NAMED_CHANGES]]
    more = [f"+{len(changed) - NAMED_CHANGES}"] if len(changed) > NAMED_CHANGES else []
    return " ".join([name, *named, *more])


def _note(config: RunConfig, summary: TrainingSummary, changed: Mapping[str, tuple[str, str]]) -> str:
    start = f"from the run `{config.init_from}`"
    if config.init_from == INITIAL:
        start = "from pretrained weights" if config.model.initial_weights else "from scratch"
    lines = [
        f"Match R-CNN for {config.task}, schedule {config.schedule}: {summary.iterations:,} iterations on "
        f"{summary.images:,} images of {summary.data}, {start}."
    ]
    if changed:
        listed = ", ".join(
            f"`{key}` {now or 'none'} (preset: {before or 'none'})" for key, (before, now) in changed.items()
        )
        lines.append(f"Changed: {listed}.")
    return "\n\n".join(lines)


def curve_name(column: str) -> str:
    """Return the metric of a curve: MLflow groups charts by the part before the slash."""
    if "/" in column:
        return column
    if column.startswith("val_"):
        return f"validation/{column.removeprefix('val_')}"
    return f"time/{column}" if column.startswith("seconds") else f"training/{column}"
