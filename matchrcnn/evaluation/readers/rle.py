"""Masks as COCO's compressed run lengths: checked before anything trusts them, compared without making pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matchrcnn.parallel import compiled

_ZERO, _BITS, _SIGN, _MORE = 48, 0x1F, 0x10, 0x20
_BACKSLASH = 92
_MOST_BITS = 30


class Masks(NamedTuple):
    """Run lengths of n masks within a text.

    Attributes:
        text: (bytes,) uint8.
        start: where each one's counts begin, (n,) int64.
        stop: where they end, (n,) int64.
        escaped: whether a backslash is written as two, as in JSON.
    """

    text: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    escaped: bool

    @staticmethod
    def join(counts: Sequence[bytes]) -> "Masks":
        """Return masks whose counts are given, not escaped."""
        ends = np.cumsum([0, *map(len, counts)])
        return Masks(np.frombuffer(b"".join(counts), np.uint8), ends[:-1], ends[1:], escaped=False)

    def pixels(self) -> np.ndarray:
        """Count the pixels that each one's runs cover, (n,) int64; -1 where there are no run lengths."""
        return _pixels(self)

    def bitmap(self, row: int, height: int, width: int) -> np.ndarray:
        """Return one mask that was checked, (height, width) bool."""
        runs = np.empty(self.stop[row] - self.start[row], np.int64)
        runs = runs[: read_runs(self.text, self.start[row], self.stop[row], self.escaped, runs)]
        return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


@compiled
def _next(text: np.ndarray, at: int, stop: int, escaped: bool) -> tuple[int, int]:
    """A number and where the next one begins, -1 where there is none: groups of five bits, the low ones first."""
    value, shift, more = 0, 0, True
    while more:
        if at >= stop or shift >= _MOST_BITS or not _ZERO <= text[at] < _ZERO + 2 * _MORE:
            return 0, -1
        group = text[at] - _ZERO
        at += 2 if escaped and text[at] == _BACKSLASH else 1
        value |= (group & _BITS) << shift
        shift += 5
        more = (group & _MORE) > 0
    return value - (1 << shift) if group & _SIGN else value, at


@compiled
def _pixels(masks: Masks) -> np.ndarray:
    covered = np.empty(len(masks.start), np.int64)
    for row in range(len(masks.start)):
        runs = np.empty(masks.stop[row] - masks.start[row], np.int64)
        count = read_runs(masks.text, masks.start[row], masks.stop[row], masks.escaped, runs)
        covered[row] = runs[:count].sum() if count >= 0 else -1
    return covered


@compiled
def read_runs(text: np.ndarray, at: int, stop: int, escaped: bool, runs: np.ndarray) -> int:
    """Read a mask's runs, nothing and mask in turn; return their number, or -1 where the text holds no run lengths.

    From the fourth, a run is written less the last but one.

    Args:
        text: (bytes,) uint8.
        at, stop: where the run lengths begin and end.
        escaped: whether a backslash is written as two.
        runs: filled, (stop - at or more,) int64.
    """
    count = 0
    while at < stop:
        value, at = _next(text, at, stop, escaped)
        if at < 0:
            return -1
        runs[count] = value + (runs[count - 2] if count > 2 else 0)
        if runs[count] < 0:
            return -1
        count += 1
    return count


@compiled
def shared_pixels(one: np.ndarray, other: np.ndarray) -> int:
    """Count the pixels that two masks of the same size share, from their runs, (n,) int64 each."""
    total, i, j = 0, 0, 0
    if len(one) == 0 or len(other) == 0:
        return total
    left, right = one[0], other[0]
    while True:
        step = min(left, right)
        if i & 1 and j & 1:
            total += step
        left -= step
        right -= step
        if left == 0:
            i += 1
            if i == len(one):
                return total
            left = one[i]
        if right == 0:
            j += 1
            if j == len(other):
                return total
            right = other[j]
