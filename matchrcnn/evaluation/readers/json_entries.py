"""The entries of a result file, found in one pass over its bytes without making a Python object of any."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from matchrcnn.evaluation.readers.json_numbers import CLOSE, COMMA, OPEN, byte_at, number_end, numbers
from matchrcnn.evaluation.readers.json_values import (
    BEGIN,
    COLON,
    END,
    array,
    equal,
    space,
    string_end,
    value_end,
    whole_number,
)
from matchrcnn.parallel import CORES, compiled, in_threads

_LEAST_PART, _MOST_PART = 1 << 20, 1 << 28
_LEAST_ENTRY = len('{"image_id":1,"category_id":1,"score":1,"bbox":1}')
_SEAM = re.compile(rb",[ \t\r\n]*\{")
_MORE, _DONE, _BROKEN = 0, 1, 2
_ALL_FIELDS = 0b1111
_FIELDS = tuple(np.frombuffer(name, np.uint8).copy() for name in (b"image_id", b"category_id", b"score"))
_IMAGE_ID, _CATEGORY_ID, _SCORE = _FIELDS


@dataclass(frozen=True, eq=False)
class Entries:
    """Some entries, in the order of the file.

    Attributes:
        image_id: (n,) int64.
        category_id: (n,) int64.
        score: (n,) float64.
        start: where the value of the payload field begins, (n,) int64 bytes.
        stop: where it ends, (n,) int64 bytes.
        length: numbers in it if it is an array of numbers, -1 if it is something else, (n,) int64.
        suspicious: nonzero if any number may be negative or not finite, (n,) int64.
    """

    image_id: np.ndarray
    category_id: np.ndarray
    score: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    length: np.ndarray
    suspicious: np.ndarray


class BrokenEntryError(Exception):
    """Raised for an entry that is not what its file should hold.

    Attributes:
        index: of the entry.
        start: where it begins, in bytes.
    """

    def __init__(self, index: int, start: int) -> None:
        super().__init__(index, start)
        self.index, self.start = index, start


def entries(text: np.ndarray, payload: str, parts: int | None = None) -> list[Entries]:
    """Find image_id, category_id, score and one more field in every entry.

    The text is cut where entries seem to begin and the parts are scanned side by side. A cut holds if the scan of the
    part before it ends there; what lies behind another cut (one within an entry) is scanned again.

    Args:
        text: (bytes,) uint8, a JSON list of objects, without white space after it.
        payload: name of the other field.
        parts: how many parts; by default one a core, more of a text of gigabytes and one of a short text.

    Returns:
        The entries, part by part.

    Raises:
        BrokenEntryError: an entry is malformed or cut off, lacks or repeats a field, or has another type there.
    """
    name = np.frombuffer(payload.encode(), np.uint8).copy()
    complete = text[-1] == CLOSE
    text = text if complete else _closed(text)
    at, state = _first(text)
    cuts = [at, *_cuts(text, at, parts or _number_of_parts(len(text))), len(text)] if state == _MORE else []
    scanned = in_threads(lambda part: _scan_part(text, *part, name), pairwise(cuts))
    count, found = 0, []
    for (begin, stop), part in zip(pairwise(cuts), scanned, strict=True):
        columns, at, state = part if begin == at else _scan_part(text, at, stop, name)
        count += columns.shape[1]
        if state == _BROKEN:
            raise BrokenEntryError(count, at)
        image_id, category_id, score_start, *rest = columns
        found.append(Entries(image_id, category_id, numbers(text, score_start, 1)[:, 0], *rest))
        if state == _DONE:
            break
    if not complete:
        raise BrokenEntryError(count, at)
    return found


def _number_of_parts(size: int) -> int:
    return max(min(CORES, size // _LEAST_PART + 1), size // _MOST_PART)


def _cuts(text: np.ndarray, first: int, parts: int) -> list[int]:
    """Where parts of about the same size begin, but for the first: at an object that follows a comma."""
    step = (len(text) - first) / parts
    found = (_SEAM.search(text.data, first + round(step * part)) for part in range(1, parts))
    return sorted({match.end() - 1 for match in found if match})


def _scan_part(text: np.ndarray, at: int, stop: int, payload: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Scan the entries that begin before `stop`; as `_scan`, the columns instead of their number."""
    room = max(stop - at, 0) // _LEAST_ENTRY + 1  # far more than is used, and what is not used takes no memory
    columns = np.empty((7, room), np.int64)
    rows, at, state = _scan(text, at, stop, payload, columns)
    return columns[:, :rows], at, state


def _closed(text: np.ndarray) -> np.ndarray:
    """The text with an end, so that every entry ends somewhere; read-only like a mapped file, so of the same type."""
    closed = np.append(text, np.uint8(CLOSE))
    closed.flags.writeable = False
    return closed


def _first(text: np.ndarray) -> tuple[int, int]:
    """Where the first entry begins, and whether there is one."""
    at = space(text, 0)
    if text[at] != OPEN:
        raise BrokenEntryError(0, 0)
    at = space(text, at + 1)
    return at, _DONE if at == len(text) - 1 else _MORE


@compiled
def _scan(text: np.ndarray, at: int, stop: int, payload: np.ndarray, columns: np.ndarray) -> tuple[int, int, int]:
    """Fill a column per entry: image_id, category_id, start of the score; start, stop, length and suspicion of payload.

    Returns:
        The number of entries, where the next or the broken one begins, and the state.
    """
    row = 0
    while at < stop:
        end = _entry(text, at, payload, columns[:, row])
        if end < 0:
            return row, at, _BROKEN
        end = space(text, end)
        if byte_at(text, end) == CLOSE and end == len(text) - 1:
            return row + 1, end, _DONE
        if byte_at(text, end) != COMMA:
            return row, at, _BROKEN
        at = space(text, end + 1)
        row += 1
    return row, at, _MORE


@compiled
def _entry(text: np.ndarray, at: int, payload: np.ndarray, row: np.ndarray) -> int:
    """Read one entry into a row; gives where it ends, or -1."""
    if byte_at(text, at) != BEGIN:
        return -1
    seen = 0
    while True:
        at = space(text, at + 1)
        stop = string_end(text, at)
        if stop < 0:
            return -1
        colon = space(text, stop)
        if byte_at(text, colon) != COLON:
            return -1
        field = _field(text, at + 1, stop - 1, payload)
        if seen & field:
            return -1
        seen |= field
        at = space(text, colon + 1)
        if field == 1:
            row[0], end = whole_number(text, at)
        elif field == 2:
            row[1], end = whole_number(text, at)
        elif field == 4:
            row[2] = at
            end = number_end(text, at)
        elif field == 8:
            row[3] = at
            row[5], row[6], end = array(text, at)
            row[4] = end
        else:
            end = value_end(text, at)
        if end < 0:
            return -1
        at = space(text, end)
        if byte_at(text, at) != COMMA and byte_at(text, at) != END:
            return -1
        if byte_at(text, at) == END:
            return at + 1 if seen == _ALL_FIELDS else -1


@compiled
def _field(text: np.ndarray, start: int, stop: int, payload: np.ndarray) -> int:
    if equal(text, start, stop, _IMAGE_ID):
        return 1
    if equal(text, start, stop, _CATEGORY_ID):
        return 2
    if equal(text, start, stop, _SCORE):
        return 4
    return 8 if equal(text, start, stop, payload) else 0
