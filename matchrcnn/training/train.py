"""Train one run: a plain loop that can be interrupted at any iteration and goes on as if it had not been."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from detectron2.utils import comm
from detectron2.utils.events import EventStorage
from torch import nn
from tqdm import tqdm

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.data.loader import training_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.shares import Shares, check_shares
from matchrcnn.data.split import Split, load_split
from matchrcnn.errors import SharedError
from matchrcnn.modeling.build import pick_device
from matchrcnn.modeling.determinism import make_deterministic, nondeterministic_operations
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.curves import Curves, Listener
from matchrcnn.training.distributed import from_all, is_first, means
from matchrcnn.training.interrupt import stop_requests
from matchrcnn.training.loop import TrainingLoop
from matchrcnn.training.pair_training import coverage, training_batches
from matchrcnn.training.schedule import build_schedule
from matchrcnn.training.validation import held_out_batches


class Trained(NamedTuple):
    """What a training ends with; seconds are of all its sittings, one after another."""

    model: nn.Module
    curves: Curves
    seconds: float


class InterruptedTrainingError(SharedError):
    """The training was asked to stop, and has written a checkpoint."""


def train(
    run: RunConfig,
    training: Split,
    validation: Split,
    checkpoints: Checkpoints | None,
    hardware: HardwareParams,
    listeners: tuple[Listener, ...] = (),
    initial: Path | None = None,
) -> Trained:
    """Train a run from its configuration, resuming where an interrupted one stopped.

    Args:
        run: the run.
        training: what it learns from.
        validation: what its validation loss is measured on; it never learns from it.
        checkpoints: of this very training; its end is one too, for the caller to clear when outputs are written. Of
            several processes only the first has them.
        hardware: device, threads and loader workers; the weights do not depend on the workers.
        listeners: told of every measurement while it trains.
        initial: weights that it starts from; None: from scratch.

    Returns:
        The trained model, its curves and the time it took.

    Raises:
        UserError: a picture cannot be read, or the training diverges.
        InterruptedTrainingError: SIGINT or SIGTERM came; a checkpoint is written.
    """
    make_deterministic(hardware.threads)
    device = pick_device(hardware.device)
    count, accumulate, together = comm.get_world_size(), run.training.accumulate, 2 if run.retrieval else 1
    check_shares(run.training.minibatch, count, accumulate, together)
    entries = load_split(training).annotated()
    loop = TrainingLoop(
        run, build_schedule(run.schedule, run.training, len(entries)), device, Curves(listeners), initial
    )
    if device.type == "cuda" and is_first():
        _name_nondeterministic(loop.model)
    start = loop.resume(checkpoints)
    batches = training_batches(run, entries, start)
    shares = Shares(batches, comm.get_rank(), count, accumulate)
    loader = training_loader(
        entries, _mapper(run, run.training.flip), shares, hardware.loader_workers, run.training.skip_unreadable
    )
    held_out = held_out_batches(validation, run, _mapper(run, flip=False), comm.get_rank(), count)
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
                raise InterruptedTrainingError(f"{stops[0]} after {done} iterations; run it again to go on from there")
    return Trained(loop.model, loop.curves, loop.seconds)


def _mapper(run: RunConfig, flip: bool) -> Mapper:
    joint = run.retrieval is not None and not run.retrieval.freeze
    return Mapper(
        run.model, flip, masks=joint or run.task == "segmentation", landmarks=joint or run.task == "landmarks"
    )


def _progress(loop: TrainingLoop, loader: Any, start: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:  # noqa: ANN401
    """Iterations with their batches, behind a bar with the time that is left."""
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
    """Requests to stop that any process has heard, so that all stop after the same iteration."""
    if not means({"heard": float(bool(own))}, device)["heard"]:
        return []
    return [request for heard in from_all(own) for request in heard]
