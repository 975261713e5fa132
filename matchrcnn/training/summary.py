"""A training's data and length, as training.json and the model card next to the weights record them."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from matchrcnn.config import RunConfig, dump
from matchrcnn.data.marker import terms
from matchrcnn.files import read_json, sha256, write_json, write_text
from matchrcnn.project import CARD, TRAINING
from matchrcnn.training.setup import TrainingSetup


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


def summarise(setup: TrainingSetup) -> TrainingSummary:
    """Return the summary of a training that is about to start."""
    entries, run = setup.training, setup.run
    files = (entries.split.annotations, setup.validation.split.annotations, setup.initial)
    digests = [sha256(path) for path in files if path is not None]
    return TrainingSummary(
        data=entries.data_set,
        train_sha256=digests[0],
        validation_sha256=digests[1],
        images=len(entries),
        items=len(entries.items),
        iterations=setup.schedule.iterations,
        drops=setup.schedule.drops if run.training.decay == "step" else (),
        digest=hashlib.sha256("\n".join([dump(run), *digests]).encode()).hexdigest()[:16],
    )


def write_summary(summary: TrainingSummary, run: RunConfig, folder: Path) -> None:
    """Write training.json and card.md next to the weights."""
    write_json(folder / TRAINING, asdict(summary), indent=True)
    write_text(folder / CARD, _card(summary, run))


def load_summary(folder: Path) -> TrainingSummary:
    """Read the summary next to a trained run's weights."""
    values = read_json(folder / TRAINING)
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

{terms(summary.data)}
"""
