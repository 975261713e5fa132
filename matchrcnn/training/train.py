"""Train one run: a plain loop that can be interrupted at any iteration and resumes to the same bytes."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from detectron2.utils import comm
from detectron2.utils.events import EventStorage
from torch import nn
from tqdm import tqdm

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.data.loader import training_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import Minibatch
from matchrcnn.data.shares import Shares, check_shares
from matchrcnn.errors import SharedError
from matchrcnn.modeling.build import pick_device
from matchrcnn.modeling.determinism import make_deterministic, nondeterministic_operations
from matchrcnn.tasks import LANDMARKS, MASKS, TASKS
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.curves import Curves, Measured
from matchrcnn.training.distributed import from_all, is_first, means
from matchrcnn.training.interrupt import stop_requests
from matchrcnn.training.loop import TrainingLoop
from matchrcnn.training.pair_training import coverage, training_batches
from matchrcnn.training.setup import TrainingSetup
from matchrcnn.training.validation import held_out_batches


class TrainedModel(NamedTuple):
    """What a training ends with; `seconds` include those before it was resumed."""

    model: nn.Module
    curves: Curves
    seconds: float


class InterruptedTrainingError(SharedError):
    """The training was asked to stop, and has written a checkpoint."""


def train(
    setup: TrainingSetup,
    hardware: HardwareParams,
    checkpoints: Checkpoints | None = None,
    tell: Sequence[Measured] = (),
) -> TrainedModel:
    """Train a run as one process of a training, resuming where an interrupted one stopped.

    Args:
        setup: configuration, data, schedule and initial weights.
        hardware: device, threads and loader workers; the weights do not depend on the workers.
        checkpoints: of this very training; its end is one too, for the caller to clear when outputs are written. Of
            several processes only the first has them.
        tell: called with every measurement while it trains.

    Returns:
        The trained model, its curves and the time it took.

    Raises:
        UserError: a picture cannot be read, or the training diverges.
        InterruptedTrainingError: SIGINT or SIGTERM came; a checkpoint is written.
    """
    make_deterministic(hardware.threads)
    device, run = pick_device(hardware.device), setup.run
    count, accumulate, together = comm.get_world_size(), run.training.accumulate, 2 if TASKS[run.task].from_pairs else 1
    check_shares(run.training.minibatch, count, accumulate, together)
    loop = TrainingLoop(run, setup.schedule, device, Curves(tell), setup.initial)
    if device.type == "cuda" and is_first():
        _name_nondeterministic(loop.model)
    start = loop.resume(checkpoints)
    batches = training_batches(run, setup.training, start)
    shares = Shares(batches, comm.get_rank(), count, accumulate)
    loader = training_loader(
        setup.training, _mapper(run, run.training.flip), shares, hardware.loader_workers, run.training.skip_unreadable
    )
    held_out = held_out_batches(setup.validation, run, _mapper(run, flip=False), comm.get_rank(), count)
    with stop_requests() as stop, EventStorage(start):
        for iteration, batch in _progress(loop, loader, start):
            loop.step(iteration, batch)
            done = iteration + 1
            loop.measure(done, held_out, coverage(batches, done))
            last = done == loop.schedule.iterations
            stops = _requests(list(stop), device)
            if stops or last or done % run.training.checkpoint_every == 0:
                loop.check_weights(iteration, batch)
                if checkpoints is not None:
                    checkpoints.save(done, loop.state())
            if stops and not last:
                raise InterruptedTrainingError(f"{stops[0]} after {done} iterations; run it again to resume")
    return TrainedModel(loop.model, loop.curves, loop.seconds)


def _mapper(run: RunConfig, flip: bool) -> Mapper:
    frozen = run.retrieval is not None and run.retrieval.freeze
    learned = () if frozen else TASKS[run.task].learns
    return Mapper(run.model, flip, masks=MASKS in learned, landmarks=LANDMARKS in learned)


def _progress(loop: TrainingLoop, loader: Any, start: int) -> Iterator[tuple[int, Minibatch]]:  # noqa: ANN401
    """Yield iterations with their batches, and show a bar with the time that is left."""
    total = loop.schedule.iterations
    interval, silent = 1 if sys.stderr.isatty() else 15, not is_first()
    with tqdm(total=total, initial=start, desc=loop.run.name, unit="it", mininterval=interval, disable=silent) as bar:
        for iteration, batch in zip(range(start, total), loop.fed(loader), strict=False):
            yield iteration, batch
            bar.set_postfix(loop.shown, refresh=False)
            bar.update()


def _name_nondeterministic(model: nn.Module) -> None:
    for operation in nondeterministic_operations(model):
        print(f"not deterministic on a GPU: {operation}; runs of one seed differ by rounding", file=sys.stderr)


def _requests(own: list[str], device: torch.device) -> list[str]:
    """Return requests to stop that any process has received, so that all stop after the same iteration."""
    if not means({"heard": float(bool(own))}, device)["heard"]:
        return []
    return [request for heard in from_all(own) for request in heard]
