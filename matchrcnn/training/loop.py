"""What a training holds and does at every iteration: model, optimizer, schedule and curves, and one step of them."""

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.engine import create_ddp_model
from detectron2.solver.build import get_default_optimizer_params
from detectron2.utils import comm
from torch import nn

from matchrcnn.config import INITIAL, RunConfig, TrainingParams
from matchrcnn.data.records import Minibatch
from matchrcnn.data.shares import cut
from matchrcnn.errors import SharedError, UserError
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.initial_weights import load_initial_weights
from matchrcnn.modeling.pretrained import BACKBONE
from matchrcnn.modeling.shared_norm import share_norms
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.curves import Curves
from matchrcnn.training.distributed import from_all, from_first, is_first, means
from matchrcnn.training.pair_training import pair_counts
from matchrcnn.training.precision import Precision
from matchrcnn.training.schedule import Schedule
from matchrcnn.training.validation import validation_losses

KEPT = ("backbone.", "proposal_generator.", "roi_heads.box_")
"""What a run that learns on frozen features must find in the weights it starts from."""


class TrainingLoop:
    """Model, optimizer, schedule and curves of a training, and one step of it."""

    def __init__(
        self, run: RunConfig, schedule: Schedule, device: torch.device, curves: Curves, initial: Path | None
    ) -> None:
        self.run, self.schedule, self.curves = run, schedule, curves
        self.model = build_model(run, device).train()
        if initial is not None:
            self._start_from(initial)
        if comm.get_world_size() > 1:
            share_norms(self.model)
        devices = [device.index or comm.get_local_rank()] if device.type == "cuda" else None
        self.learner = create_ddp_model(self.model, device_ids=devices)
        self.precision = Precision(run.training.mixed_precision, device)
        self.optimizer = build_optimizer(self.model, run.training)
        self.shown: dict[str, str] = {}
        self._ceiling = math.inf
        self.seconds = self._data_seconds = 0.0
        self._unreadable, self._named = 0, set[str]()
        self._window_started = time.perf_counter()

    def _start_from(self, initial: Path) -> None:
        """Load initial weights; a pretrained file must contain the complete backbone and nothing else."""
        frozen = bool(self.run.retrieval and self.run.retrieval.freeze)
        pretrained = self.run.init_from == INITIAL and not frozen
        required = KEPT if frozen else (BACKBONE,) if pretrained else ()
        start = load_initial_weights(self.model, initial, required, exact=pretrained)
        if start.loaded and is_first():
            print(f"{self.run.name} starts from {initial}\n{start}", file=sys.stderr)

    def fed(self, loader: Any) -> Iterator[Minibatch]:  # noqa: ANN401 (a DataLoader)
        """Yield the loader's batches; the time until each is there counts as waiting for data."""
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            self._data_seconds += time.perf_counter() - asked
            if batch is None:
                return
            yield batch

    def step(self, iteration: int, batch: Minibatch) -> None:
        """Take one optimizer step. Draws about an image depend on its seed, any others on seed and iteration alone."""
        self._count_skipped(batch)
        torch.manual_seed(_step_seed(self.run.seed, iteration))
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.lr_at(iteration)
        self.optimizer.zero_grad()
        values = self._add_gradients(iteration, batch)
        if not all(map(math.isfinite, values.values())) or values["total_loss"] > self._ceiling:
            files = [entry for entries in from_all(_files(batch)) for entry in entries]
            raise SharedError(_diverged(iteration, values, files, self._ceiling))
        scaler = self.precision.scaler
        if self.run.training.clip_gradient_norm:
            scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.run.training.clip_gradient_norm)
        scaler.step(self.optimizer)
        scaler.update()
        self.curves.add(values)

    def _add_gradients(self, iteration: int, batch: Minibatch) -> dict[str, float]:
        """Add a minibatch's gradients, micro-batch by micro-batch; return the losses' means over all of it."""
        parts, sums = cut(batch, self.run.training.accumulate), dict[str, float]()
        for number, part in enumerate(parts, 1):
            with self._apart(number < len(parts)):
                losses = self._losses(iteration, part)
                total = sum(losses.values())
                self.precision.scaler.scale(total / len(parts)).backward()
            found = {"total_loss": total, **losses}
            values = {name: loss.detach() for name, loss in found.items()} | pair_counts()
            sums = {name: sums.get(name, 0.0) + float(value) for name, value in values.items()}
        return means({name: value / len(parts) for name, value in sums.items()}, total.device)

    def _apart(self, more: bool) -> AbstractContextManager[None]:
        """Return a context; where more micro-batches follow, processes need not add up their gradients yet."""
        return self.learner.no_sync() if more and self.learner is not self.model else nullcontext()

    def _losses(self, iteration: int, batch: Minibatch) -> dict[str, Any]:
        try:
            with self.precision.autocast():
                return dict(self.learner(batch))
        except FloatingPointError:  # detectron2 looks at its proposals before there is a loss
            raise UserError(_diverged(iteration, {"proposals": math.nan}, _files(batch))) from None

    def _count_skipped(self, batch: Minibatch) -> None:
        """Count pictures that could not be read each time, and name each once."""
        if not self.run.training.skip_unreadable:
            return
        own = [reason for entry in batch for reason in entry.get("skipped", ())]
        for reason in (reason for reasons in from_all(own) for reason in reasons):
            self._unreadable += 1
            if reason not in self._named:
                self._named.add(reason)
                if is_first():
                    print(f"{self.run.name}: skipped {reason}", file=sys.stderr)

    def check_weights(self, iteration: int, batch: Minibatch) -> None:
        """Raise an error instead of letting a checkpoint take the place of a good one with broken weights."""
        if not all(bool(tensor.isfinite().all()) for tensor in self.model.state_dict().values()):
            raise SharedError(_diverged(iteration, {"weights": math.nan}, _files(batch)))

    def measure(self, done: int, held_out: list[Minibatch], seen: Mapping[str, float]) -> None:
        """Record the curves where they are due, the last iteration included."""
        last = done == self.schedule.iterations
        if last or done % self.run.training.log_every == 0:
            self._log(done, seen)
        period = max(1, round(self.run.training.validate_every_epochs * self.schedule.epoch))
        if last or done % period == 0:
            losses = validation_losses(self.model, held_out)
            self.curves.record(done, {f"val_{name}": value for name, value in losses.items()})
            self.shown["val"] = f"{losses['total_loss']:.3f}"

    def _log(self, done: int, seen: Mapping[str, float]) -> None:
        now = time.perf_counter()
        seconds = now - self._window_started
        self.seconds += seconds
        place = {"epoch": done / self.schedule.epoch, "lr": self.schedule.lr_at(done - 1), **seen}
        if self.run.training.skip_unreadable:
            place["unreadable_images"] = self._unreadable
        self.curves.close_window(done, place, {"seconds": seconds, "seconds_waiting_for_data": self._data_seconds})
        self._window_started, self._data_seconds = now, 0.0
        self._set_ceiling()
        self.shown["loss"] = f"{self.curves.rows[done]['total_loss']:.3f}"

    def _set_ceiling(self) -> None:
        """Set the loss above which the training diverges, from all windows so far: a resumed training has the same."""
        totals = [row["total_loss"] for row in self.curves.rows.values() if "total_loss" in row]
        if totals and self.run.training.diverged_above:
            self._ceiling = self.run.training.diverged_above * float(np.median(totals))

    def state(self) -> dict[str, Any]:
        """Return all that the training needs to resume; random states are functions of the iteration."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "curves": self.curves.state(),
            "seconds": self.seconds,
            "unreadable": self._unreadable,
            "scaler": self.precision.scaler.state_dict(),
        }

    def resume(self, checkpoints: Checkpoints | None) -> int:
        """Load the newest checkpoint, if there is one; return the iterations that are done."""
        found = from_first(lambda: checkpoints.latest() if checkpoints is not None else None)
        if found is None:
            return 0
        done, state = found
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.curves.restore(state["curves"])
        self.precision.scaler.load_state_dict(state["scaler"])
        self.seconds, self._unreadable = state["seconds"], state["unreadable"]
        self._set_ceiling()
        if is_first():
            print(f"{self.run.name}: resuming after {done} of {self.schedule.iterations} iterations", file=sys.stderr)
        return done


def build_optimizer(model: nn.Module, training: TrainingParams) -> torch.optim.Optimizer:
    """Return the optimizer of all that learns; norms have no weight decay."""
    groups = get_default_optimizer_params(
        model, base_lr=training.lr, weight_decay=training.weight_decay, weight_decay_norm=0.0
    )
    if training.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=training.lr, betas=(training.momentum, 0.999), fused=True)
    return torch.optim.SGD(groups, lr=training.lr, momentum=training.momentum)


def _step_seed(seed: int, iteration: int) -> int:
    return int(np.random.SeedSequence((seed, 1, iteration)).generate_state(1, np.uint64)[0] >> 1)


def _files(batch: Minibatch) -> list[str]:
    """Name the pictures of a batch."""
    return [entry["file_name"] for entry in batch]


def _diverged(iteration: int, values: dict[str, float], names: list[str], ceiling: float = math.inf) -> str:
    found = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    files = ", ".join(names)
    if all(map(math.isfinite, values.values())):
        what = f"the loss is more than training.diverged_above times its median, {ceiling:.4g} ({found})"
        return f"iteration {iteration}: {what} on {files}; lower training.base_lr, or raise training.diverged_above"
    return f"iteration {iteration}: what is computed is not finite ({found}) on {files}; lower training.base_lr"
