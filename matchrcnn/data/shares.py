"""The part of each minibatch that one process takes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from matchrcnn.data.sampler import Draw
from matchrcnn.errors import UserError


class Shares:
    """The draws of one process, minibatch by minibatch, first those of the first micro-batch.

    A minibatch is cut into `accumulate` micro-batches, and each of these among the processes, so that what a
    micro-batch holds does not depend on their number.
    """

    def __init__(self, batches: Iterable[list[Draw]], place: int, processes: int, accumulate: int) -> None:
        """Args: minibatches as samplers yield them; which of how many processes this is; micro-batches in each."""
        self.batches, self.place, self.processes, self.accumulate = batches, place, processes, accumulate

    def __iter__(self) -> Iterator[list[Draw]]:
        for batch in self.batches:
            parts = [cut(part, self.processes)[self.place] for part in cut(batch, self.accumulate)]
            yield [draw for part in parts for draw in part]


def cut(whole: Sequence[Any], parts: int) -> list[Any]:
    """A sequence in equal parts, in order."""
    size = len(whole) // parts
    return [whole[start : start + size] for start in range(0, parts * size, size)]


def check_shares(minibatch: int, processes: int, accumulate: int, together: int) -> None:
    """Check that a minibatch can be cut into equal shares of whole images or, `together` 2, image pairs.

    Raises:
        UserError: it cannot.
    """
    if minibatch % (processes * accumulate * together):
        units = "images" if together == 1 else "image pairs"
        raise UserError(
            f"training.minibatch: {minibatch} cannot be cut into equal shares of whole {units} for {processes} "
            f"processes (hardware.processes on each of hardware.machines) and {accumulate} micro-batches "
            f"(training.accumulate); make it a multiple of {processes * accumulate * together}"
        )
