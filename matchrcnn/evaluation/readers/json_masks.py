"""Masks in a result file, found without making a Python object of any."""

import numpy as np

from matchrcnn.evaluation.readers.json_numbers import CLOSE, COMMA, OPEN, byte_at
from matchrcnn.evaluation.readers.json_values import BEGIN, COLON, END, ESCAPE, equal, integer, space, string_end
from matchrcnn.parallel import compiled

_SIZE, _COUNTS = (np.frombuffer(name, np.uint8).copy() for name in (b"size", b"counts"))


@compiled
def find_masks(text: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Find height, width, and begin and end of the counts in objects with only `size` and `counts`: (n, 4) int64.

    All -1 where an object holds anything else, or an escape in its counts that is no double backslash: this reader
    knows the usual form, and leaves the rest to one that knows all of JSON.

    Args:
        text: (bytes,) uint8, a checked JSON text.
        starts: where each object begins, (n,) int64.
    """
    found = np.empty((len(starts), 4), np.int64)
    for row in range(len(starts)):
        if not _find_mask(text, starts[row], found[row]):
            found[row] = -1
    return found


@compiled
def _find_mask(text: np.ndarray, at: int, found: np.ndarray) -> bool:
    found[:] = -1
    if byte_at(text, at) != BEGIN:
        return False
    while True:
        at = space(text, at + 1)
        stop = string_end(text, at)
        if stop < 0:
            return False
        colon = space(text, stop)
        if byte_at(text, colon) != COLON:
            return False
        value = space(text, colon + 1)
        if found[0] < 0 and equal(text, at + 1, stop - 1, _SIZE):
            at = _size(text, value, found)
        elif found[2] < 0 and equal(text, at + 1, stop - 1, _COUNTS):
            at = string_end(text, value)
            found[2], found[3] = value + 1, at - 1
        else:
            return False
        if at < 0:
            return False
        at = space(text, at)
        if byte_at(text, at) == END:
            return found[0] >= 0 and found[2] >= 0 and _is_plain(text, found[2], found[3])
        if byte_at(text, at) != COMMA:
            return False


@compiled
def _size(text: np.ndarray, at: int, found: np.ndarray) -> int:
    """Read [height, width]; gives where it ends, or -1."""
    for side in range(2):
        if byte_at(text, at) != (COMMA if side else OPEN):
            return -1
        found[side], at = integer(text, space(text, at + 1))
        if at < 0:
            return -1
        at = space(text, at)
    return at + 1 if byte_at(text, at) == CLOSE else -1


@compiled
def _is_plain(text: np.ndarray, at: int, stop: int) -> bool:
    while at < stop:
        if byte_at(text, at) == ESCAPE:
            at += 1
            if byte_at(text, at) != ESCAPE:
                return False
        at += 1
    return True
