"""JSON values found in bytes: where each ends, without making a Python object of any.

Texts passed here are (bytes,) uint8 and end with a bracket, so that no value reaches past the end.
"""

import numpy as np

from matchrcnn.evaluation.readers.json_numbers import (
    CLOSE,
    COMMA,
    EXPONENT,
    MINUS,
    OPEN,
    byte_at,
    decimal,
    mantissa_end,
    number_end,
)
from matchrcnn.parallel import compiled

BEGIN, END, QUOTE, COLON, ESCAPE = b'{}":\\'
SPACE, TAB, NEWLINE, RETURN = b" \t\n\r"
_MOST_SCALE = 19  # digits of a number that is not too long
_MOST_BYTES = 308  # no number that is written without an exponent in as many digits overflows


@compiled
def equal(text: np.ndarray, start: int, stop: int, name: np.ndarray) -> bool:
    """Return whether a part of the text is a name, (bytes,) uint8."""
    if stop - start != len(name):
        return False
    same = True
    for i in range(len(name)):
        same &= byte_at(text, start + i) == name[i]
    return same


@compiled
def is_space(byte: int) -> bool:
    """Return whether a byte is white space in JSON."""
    return byte in (SPACE, TAB, NEWLINE, RETURN)


@compiled
def space(text: np.ndarray, at: int) -> int:
    """Return the place of the next byte that is no white space; that of the last byte where the text is over."""
    last = len(text) - 1
    while at < last and byte_at(text, at) <= SPACE and is_space(byte_at(text, at)):
        at += 1
    return min(at, last)


@compiled
def string_end(text: np.ndarray, at: int) -> int:
    """Return where a string ends, or -1."""
    if byte_at(text, at) != QUOTE:
        return -1
    at += 1
    while at < len(text) and byte_at(text, at) != QUOTE:
        at += 2 if byte_at(text, at) == ESCAPE else 1
    return at + 1 if at < len(text) else -1


@compiled
def integer(text: np.ndarray, at: int) -> tuple[int, int]:
    """Return an integer and where it ends, or -1."""
    digits, scale, end = decimal(text, at)
    whole = end > 0 and scale == 0
    for place in range(at, max(end, at)):
        whole = whole and byte_at(text, place) < ord("A")  # 1e0 is no integer in JSON readers' eyes
    value = int(digits)
    return -value if byte_at(text, at) == MINUS else value, end if whole else -1


@compiled
def whole_number(text: np.ndarray, at: int) -> tuple[int, int]:
    """An integer, also written as 1.0 as NumPy and pandas write it, and where it ends, or -1."""
    value, end = integer(text, at)
    if end >= 0:
        return value, end
    digits, scale, end = decimal(text, at)
    for place in range(at, max(end, at)):
        scale = scale if byte_at(text, place) < ord("A") else -1
    while scale > 0 and digits % np.uint64(10) == 0 and scale <= _MOST_SCALE:
        digits, scale = digits // np.uint64(10), scale - 1
    value = int(digits)
    return -value if byte_at(text, at) == MINUS else value, end if scale == 0 else -1


@compiled
def array(text: np.ndarray, at: int) -> tuple[int, int, int]:
    """Scan an array; return its length (-1 if it is none), whether a number needs a closer check, and where it ends."""
    if byte_at(text, at) != OPEN:
        return -1, 0, value_end(text, at)
    at = space(text, at + 1)
    count, odd = 0, 0
    while byte_at(text, at) != CLOSE:
        if count > 0:
            if byte_at(text, at) != COMMA:
                return count, odd, -1
            at = space(text, at + 1)
        end = mantissa_end(text, at)
        odd |= (byte_at(text, at) == MINUS) | (end - at > _MOST_BYTES)
        if end >= 0 and byte_at(text, end) | 0x20 == EXPONENT:
            odd, end = 1, number_end(text, at)
        if end < 0:
            return count, odd, -1
        at = space(text, end)
        count += 1
    return count, odd, at + 1


@compiled
def value_end(text: np.ndarray, at: int) -> int:
    """Return where any value ends, or -1; what is within brackets is not checked."""
    depth = 0
    while at < len(text):
        byte = byte_at(text, at)
        if byte == QUOTE:
            at = string_end(text, at)
            if at < 0 or depth == 0:
                return at
            continue
        if byte in (OPEN, BEGIN):
            depth += 1
        elif byte in (CLOSE, END):
            depth -= 1
            if depth <= 0:
                return at + 1 if depth == 0 else at
        elif byte == COMMA and depth == 0:
            return at
        at += 1
    return -1
