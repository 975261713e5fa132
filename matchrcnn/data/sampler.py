"""Endless shuffled minibatches whose place is a function of seed and iteration alone."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """One image of a minibatch: its place in the data set, and the seed of what is random about it."""

    place: int
    seed: int


class EpochSampler:
    """Yields minibatches for ever: every image once an epoch, epochs joined without a gap.

    Any iteration's minibatch can be had without those before it, so that a resumed run sees what it would have seen,
    whatever the number of loader workers.
    """

    def __init__(self, size: int, minibatch: int, seed: int, start: int = 0) -> None:
        """Args: `size` images, `minibatch` draws each time, first minibatch that of iteration `start`."""
        self.size, self.minibatch, self.seed, self.start = size, minibatch, seed, start

    def __iter__(self) -> Iterator[list[Draw]]:
        order, epoch = np.empty(0, dtype=np.int64), -1
        for iteration in count(self.start):
            batch = []
            for position in range(iteration * self.minibatch, (iteration + 1) * self.minibatch):
                if position // self.size != epoch:
                    epoch = position // self.size
                    order = np.random.default_rng((self.seed, epoch)).permutation(self.size)
                batch.append(Draw(int(order[position % self.size]), draw_seed(self.seed, position)))
            yield batch


def draw_seed(seed: int, position: int) -> int:
    """The seed of the draw at a position of the endless sequence, 64 bits."""
    return int(np.random.SeedSequence((seed, position)).generate_state(1, np.uint64)[0])
