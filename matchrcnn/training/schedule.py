"""Learning-rate schedules, stated in epochs and turned into iterations by the data's size and the minibatch."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from matchrcnn.config import ScheduleName, TrainingParams

STRETCH = {"1x": Fraction(1), "2x": Fraction(2), "s1x": Fraction(13, 9)}
"""Length over 1x. Detectron's s1x has 130k iterations where its 1x has 90k: "roughly 1.44x" in the paper."""

S1X_DROPS = (Fraction(100, 130), Fraction(120, 130))
"""Change points of s1x as shares of its length (Detectron's keypoint baselines): the first rate lasts longer."""


@dataclass(frozen=True)
class Schedule:
    """The learning rate at every iteration.

    Attributes:
        iterations: length of the training.
        drops: iterations from which the rate is a further tenth (step decay only).
        epoch: iterations an epoch, a fraction in general.
        lr: peak learning rate.
    """

    iterations: int
    drops: tuple[int, ...]
    epoch: float
    lr: float
    decay: Literal["step", "cosine"]
    warmup_iterations: int
    warmup_factor: float

    def lr_at(self, iteration: int) -> float:
        """Learning rate of a 0-based iteration: linear warm-up times step or half-cosine decay."""
        return self.lr * self._warmup(iteration) * self._decay(iteration)

    def _warmup(self, iteration: int) -> float:
        if iteration >= self.warmup_iterations:
            return 1.0
        return self.warmup_factor + (1 - self.warmup_factor) * iteration / self.warmup_iterations

    def _decay(self, iteration: int) -> float:
        if self.decay == "cosine":
            return 0.5 * (1 + math.cos(math.pi * iteration / self.iterations))
        return float(0.1 ** sum(iteration >= drop for drop in self.drops))


def build_schedule(name: ScheduleName, training: TrainingParams, images: int) -> Schedule:
    """Build the schedule of a run on a data set of `images` training images.

    1x and 2x drop the rate at the epochs of `drops_1x`, scaled; s1x at 100/130 and 120/130 of its length.
    """
    per_epoch = Fraction(images, training.minibatch)
    stretch = STRETCH[name]
    length = stretch * Fraction(training.epochs_1x) * per_epoch
    if name == "s1x":
        drops = [length * share for share in S1X_DROPS]
    else:
        drops = [stretch * Fraction(epoch) * per_epoch for epoch in training.drops_1x]
    return Schedule(
        iterations=math.ceil(length),
        drops=tuple(math.ceil(drop) for drop in drops),
        epoch=float(per_epoch),
        lr=training.lr,
        decay=training.decay,
        warmup_iterations=training.warmup_iterations,
        warmup_factor=training.warmup_factor,
    )
