"""What a training is made from, in figures: models/RUN/training.json and the model card."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from matchrcnn.config import RunConfig, dump
from matchrcnn.data.split import Split, load_split
from matchrcnn.errors import UserError
from matchrcnn.files import read_json, sha256, write_json, write_text
from matchrcnn.training.schedule import build_schedule

SUMMARY, CARD = "training.json", "card.md"


@dataclass(frozen=True)
class TrainingSummary:
    """A training's data and length.

    Attributes:
        data: the data set in words: "DeepFashion2" or "sample data".
        images: training images that hold an item.
        iterations: optimizer steps.
        drops: iterations at which the learning rate falls to a tenth (step decay).
        digest: of all that the training is made from; checkpoints and MLflow know it by this.
    """

    data: str
    train_sha256: str
    validation_sha256: str
    images: int
    items: int
    iterations: int
    drops: tuple[int, ...]
    digest: str


def summarise(run: RunConfig, training: Split, validation: Split, initial: Path | None = None) -> TrainingSummary:
    """The summary of a training that is about to start, from the weights of another run where `initial` names them.

    Raises:
        UserError: these weights do not exist.
    """
    if initial is not None and not initial.is_file():
        raise UserError(f"{initial}: no such file; train that run first, {run.name} starts from its weights")
    entries = load_split(training).annotated()
    images = len(entries)
    schedule = build_schedule(run.schedule, run.training, images)
    digests = [sha256(path) for path in (training.annotations, validation.annotations, initial) if path is not None]
    return TrainingSummary(
        data=entries.data_set,
        train_sha256=digests[0],
        validation_sha256=digests[1],
        images=images,
        items=len(entries.items),
        iterations=schedule.iterations,
        drops=schedule.drops if run.training.decay == "step" else (),
        digest=hashlib.sha256("\n".join([dump(run), *digests]).encode()).hexdigest()[:16],
    )


def write_summary(summary: TrainingSummary, run: RunConfig, folder: Path) -> None:
    """Write training.json and card.md beside the weights."""
    write_json(folder / SUMMARY, asdict(summary), indent=True)
    write_text(folder / CARD, _card(summary, run))


def load_summary(folder: Path) -> TrainingSummary:
    """The summary beside a trained run's weights."""
    values = read_json(folder / SUMMARY)
    return TrainingSummary(**values | {"drops": tuple(values["drops"])})


def _card(summary: TrainingSummary, run: RunConfig) -> str:
    training = run.training
    return f"""# {run.name}

Match R-CNN for {run.task}, trained on {summary.data}.

| | |
|---|---|
| Task, schedule | {run.task}, {run.schedule} |
| Training data | {summary.images} images, {summary.items} items (annotations sha256 `{summary.train_sha256[:16]}`) |
| Training | {summary.iterations} iterations of {training.minibatch} images, {training.optimizer}, lr {training.lr:g} |
| Backbone | {run.model.backbone}, images of {run.model.shorter_edge} to {run.model.longer_edge} pixels |
| Seed | {run.seed} |

`model.safetensors` holds the weights, `config.yaml` all that inference needs. Scores are in the benchmark report.

DeepFashion2 is released for non-commercial research; a model trained on it is bound by the same terms.
"""
