"""A training's data and length, as training.json and the model card next to the weights record them."""

import hashlib
from dataclasses import asdict
from pathlib import Path

from matchrcnn.config import RunConfig, dump
from matchrcnn.data.marker import terms
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.project import CARD, TRAINING, TrainingSummary
from matchrcnn.training.setup import TrainingSetup


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
