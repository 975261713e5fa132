"""Train a run of a project, from its converted data to its model: the use case of `stages.train`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matchrcnn.config import HardwareParams
from matchrcnn.data.split import Split
from matchrcnn.modeling.build import save_model
from matchrcnn.project import CURVES, Project, Run, TrainingSummary
from matchrcnn.training import provenance
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.distributed import is_first, launch
from matchrcnn.training.made_from import made_from
from matchrcnn.training.setup import TrainingSetup, set_up
from matchrcnn.training.summary import summarise, write_summary
from matchrcnn.training.train import train


class Listener(Protocol):
    """Follows a training, in the first of its processes only.

    A training on several processes pickles its listeners before it starts them: keep the constructor light, and open
    files, pipes or connections in `started`.
    """

    def started(self, run: Run, summary: TrainingSummary) -> None:
        """Prepare for a training that is about to start or to resume."""

    def measured(self, iteration: int, values: Mapping[str, float]) -> None:
        """Take what was measured at an iteration, as soon as it is."""

    def finished(self, folder: Path) -> None:
        """Conclude: the model is in `folder`."""

    def failed(self, error: BaseException) -> None:
        """Conclude: the training was interrupted or failed. Called for listeners that had started."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves; of several machines, the first one has the files.

    Attributes:
        model: folder of weights, configuration, summary and card.
        curves: CSV of losses and learning rates.
    """

    model: Path
    curves: Path


def train_run(project: Project, name: str, hardware: HardwareParams, listeners: Sequence[Listener] = ()) -> Trained:
    """Train a run, on as many processes as `hardware` has, and write its model, curves and provenance.

    An interrupted training resumes from its last checkpoint and ends with the same bytes. Under torchrun, this process
    joins the others.

    Args:
        project: holds the converted data and the weights that the run starts from.
        name: of the run, in the project's parameters.
        hardware: device, processes, threads and loader workers.
        listeners: told of the training's course.

    Raises:
        UserError: the run, its data or its initial weights are missing, the hardware is not there, or the training
            diverges.
        InterruptedTrainingError: SIGINT or SIGTERM came; a checkpoint is written.
    """
    run = project.run(name)
    launch(_take_part, hardware, project, name, hardware, tuple(listeners))
    return Trained(run.model, run.reports / CURVES)


def _take_part(project: Project, name: str, hardware: HardwareParams, listeners: tuple[Listener, ...]) -> None:
    """Be one process of a training; the first writes files and has listeners."""
    run = project.run(name)
    setup = set_up(run.settings, _split(project, "train"), _split(project, "validation"), run.initial_weights)
    if is_first():
        _train_and_write(run, setup, hardware, listeners)
    else:
        train(setup, hardware)


def _split(project: Project, name: str) -> Split:
    return Split(project.annotations(name), project.images(name))


def _train_and_write(run: Run, setup: TrainingSetup, hardware: HardwareParams, listeners: tuple[Listener, ...]) -> None:
    summary = summarise(setup)
    checkpoints = Checkpoints(run.checkpoints, made_from(setup, summary, hardware))
    checkpoints.tidy()
    with _following(listeners, run, summary):
        started = time.time()
        trained = train(setup, hardware, checkpoints, [listener.measured for listener in listeners])
        save_model(trained.model, setup.run, run.model)
        write_summary(summary, setup.run, run.model)
        trained.curves.write(run.reports / CURVES)
        provenance.record(run, started, trained.seconds)
        for listener in listeners:
            listener.finished(run.model)
    checkpoints.clear()


@contextmanager
def _following(listeners: Sequence[Listener], run: Run, summary: TrainingSummary) -> Iterator[None]:
    """Start listeners, and tell those that did where the block fails."""
    started: list[Listener] = []
    try:
        for listener in listeners:
            listener.started(run, summary)
            started.append(listener)
        yield
    except BaseException as error:
        for listener in started:
            listener.failed(error)
        raise
