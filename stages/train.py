"""Train a run: `python -m stages.train RUN`, or under torchrun. An interrupted training goes on where it stopped."""

import time

from matchrcnn.config import WEIGHTS, Params, RunConfig
from matchrcnn.files import sha256
from matchrcnn.modeling.build import save_model
from matchrcnn.tracking.store import tracking_uri
from matchrcnn.tracking.stream import TrainingTracker
from matchrcnn.tracking.subject import describe
from matchrcnn.training import provenance
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.distributed import is_first, launch
from matchrcnn.training.origin import training_origin
from matchrcnn.training.summary import summarise, write_summary
from matchrcnn.training.train import train
from stages import CHECKPOINTS, MODELS, REPORTS, argument, params, provenance_path, run, split
from tools.origin import home, preset_run, tracking_tags


def main() -> None:
    """Train on as many processes as `hardware` has."""
    active = params()
    launch(take_part, active.hardware, active, active.run(argument("run", "a run of params.yaml")))


def take_part(active: Params, config: RunConfig) -> None:
    """Be one process of a training; the first writes weights, curves and where they come from."""
    training, validation = split(active, "train"), split(active, "validation")
    initial = MODELS / config.init_from / WEIGHTS
    if not is_first():
        train(config, training, validation, None, active.hardware, (), initial)
        return
    summary = summarise(config, training, validation, initial)
    checkpoints = Checkpoints(CHECKPOINTS / config.name, training_origin(summary, training, validation))
    checkpoints.tidy()
    made = {"mlflow.source.git.commit": provenance.git_state()[0], "hardware": provenance.hardware()}
    subject = describe(config, summary, preset_run(active, config.name), tracking_tags(active, config.name) | made)
    with TrainingTracker(subject, tracking_uri(home())) as tracker:
        started = time.time()
        trained = train(config, training, validation, checkpoints, active.hardware, (tracker,), initial)
        folder = MODELS / config.name
        save_model(trained.model, config, folder)
        write_summary(summary, config, folder)
        trained.curves.write(REPORTS / config.name / "curves.csv")
        provenance.record(provenance_path(config.name), sha256(folder / WEIGHTS), started, trained.seconds)
        tracker.finish(folder)
    checkpoints.clear()


if __name__ == "__main__":
    run(main)
