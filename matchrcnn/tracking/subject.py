"""What MLflow is told of a run: names, parameters, tags and words, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from matchrcnn.config import INITIAL, RunConfig, Section

if TYPE_CHECKING:
    from matchrcnn.training.summary import TrainingSummary

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
        images: training images.
        note: what the run is, in a sentence of Markdown.
    """

    name: str
    training: str
    data: str
    images: int
    items: int
    train_sha256: str
    validation_sha256: str
    params: dict[str, str]
    tags: dict[str, str]
    note: str

    @property
    def experiment(self) -> str:
        """The name of its data set's experiment."""
        return f"{self.data} {self.train_sha256[:8]}"

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which `Subject(**values)` makes it again."""
        return asdict(self)


def describe(
    config: RunConfig, summary: "TrainingSummary", base: RunConfig | None = None, tags: Mapping[str, str] | None = None
) -> Subject:
    """What MLflow is told of a run.

    Args:
        config: the run.
        summary: what its training is made from.
        base: the run as its preset has it, for what was changed since; None where there is none.
        tags: what only its caller knows, such as preset, commit and hardware.
    """
    changed = changes(config, base) if base else {}
    return Subject(
        name=run_name(config.name, changed),
        training=summary.digest,
        data=summary.data,
        images=summary.images,
        items=summary.items,
        train_sha256=summary.train_sha256,
        validation_sha256=summary.validation_sha256,
        params=flat_params(config),
        tags={"task": config.task, "schedule": config.schedule, TRAINING: summary.digest, **(tags or {})},
        note=_note(config, summary, changed),
    )


def flat_params(section: Section) -> dict[str, str]:
    """A configuration as searchable parameters: `training.base_lr` and so on, values spelled as in YAML, lists bare."""
    return dict(_flat(section.model_dump(mode="json"), ""))


def _flat(nested: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in nested.items():
        flat += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", _spelled(value))]
    return flat


def _spelled(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if isinstance(value, list):  # in brackets, MLflow's UI spreads it over as many lines as it has values
        return ", ".join(map(_spelled, value))
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def changes(config: RunConfig, base: RunConfig) -> dict[str, tuple[str, str]]:
    """What a run's configuration changes in another: parameter -> (before, now); "" where there is none."""
    before, now = flat_params(base), flat_params(config)
    keys = [*now, *(key for key in before if key not in now)]
    return {key: (before.get(key, ""), now.get(key, "")) for key in keys if before.get(key) != now.get(key)}


def run_name(name: str, changed: Mapping[str, tuple[str, str]]) -> str:
    """A run's name that tells variants apart: `detection base_lr=0.001`, or `detection seed=3 flip=false +4`."""
    named = [f"{key.rpartition('.')[2]}={now}" for key, (_, now) in list(changed.items())[:NAMED_CHANGES]]
    more = [f"+{len(changed) - NAMED_CHANGES}"] if len(changed) > NAMED_CHANGES else []
    return " ".join([name, *named, *more])


def _note(config: RunConfig, summary: "TrainingSummary", changed: Mapping[str, tuple[str, str]]) -> str:
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


def flat_metrics(nested: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of metrics.json by their path, `box/overall/AP`; cells without a number are left out."""
    flat: dict[str, float] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flat_metrics(value, f"{prefix}{key}/")
        elif value is not None:
            flat[f"{prefix}{key}"] = float(value)
    return flat


def curve_name(column: str) -> str:
    """The metric of a curve: MLflow's charts are grouped by what stands before the slash."""
    if "/" in column:
        return column
    if column.startswith("val_"):
        return f"validation/{column.removeprefix('val_')}"
    return f"time/{column}" if column.startswith("seconds") else f"training/{column}"
