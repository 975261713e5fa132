"""JSON numbers read from bytes, to the nearest double as `float()` reads them.

Texts passed here are (bytes,) uint8 and end with a byte that no number holds, so that no number reaches past the end.
"""

import re
from itertools import islice

import numpy as np

from matchrcnn.parallel import compiled, in_threads, slices

_POWERS = np.array([10.0**exponent for exponent in range(23)])  # all exact in float64
_MOST_DIGITS = 19  # fit uint64 whatever they are
_TOO_LONG = 10_000  # a scale that no double has
_SPLITTER = 2.0**27 + 1
_DOUBT = 2.0**-40
_LEAST_PART = 1 << 14  # fewer numbers are not worth a thread
_NUMBER = re.compile(rb"[-+.0-9eE]+")

MINUS, PLUS, DOT, COMMA, ZERO, NINE, OPEN, CLOSE = b"-+.,09[]"
EXPONENT = ord("e")


@compiled
def byte_at(text: np.ndarray, at: int) -> int:
    """Return the byte at a place, at least 0: not looking for places before the end (-1) saves a quarter of a scan."""
    return text[np.uintp(at)]


@compiled
def decimal(text: np.ndarray, at: int) -> tuple[np.uint64, int, int]:
    """Read a number's digits and the power of ten that divides them.

    Returns:
        Digits as an integer, without the sign; the scale (value = digits / 10**scale); where the number ends, or -1 if
        there is none that JSON allows.
    """
    digits, count = np.uint64(0), 0
    at += int(byte_at(text, at) == MINUS)
    first = at
    while ZERO <= byte_at(text, at) <= NINE:
        digits = digits * np.uint64(10) + np.uint64(byte_at(text, at) - ZERO)
        count += int(count > 0 or digits > 0)  # too many digits may come round to 0
        at += 1
    if at == first or (byte_at(text, first) == ZERO and at > first + 1):
        return digits, 0, -1
    scale = 0
    if byte_at(text, at) == DOT:
        first = at + 1
        at = first
        while ZERO <= byte_at(text, at) <= NINE:
            digits = digits * np.uint64(10) + np.uint64(byte_at(text, at) - ZERO)
            count += int(count > 0 or digits > 0)  # too many digits may come round to 0
            at += 1
        scale = at - first
        if scale == 0:
            return digits, 0, -1
    if byte_at(text, at) | 0x20 == EXPONENT:
        exponent, at = _exponent(text, at + 1)
        scale -= exponent
    return digits, scale if count <= _MOST_DIGITS else _TOO_LONG, at


@compiled
def number_end(text: np.ndarray, at: int) -> int:
    """Return where a number ends, or -1 if there is none that JSON allows."""
    at = mantissa_end(text, at)
    if at >= 0 and byte_at(text, at) | 0x20 == EXPONENT:
        _, at = _exponent(text, at + 1)
    return at


@compiled
def mantissa_end(text: np.ndarray, at: int) -> int:
    """Return where a number's digits end, before its exponent, or -1 if there are none that JSON allows."""
    at += int(byte_at(text, at) == MINUS)
    first = at
    while ZERO <= byte_at(text, at) <= NINE:
        at += 1
    if at == first or (byte_at(text, first) == ZERO and at > first + 1):
        return -1
    if byte_at(text, at) == DOT:
        first = at + 1
        at = first
        while ZERO <= byte_at(text, at) <= NINE:
            at += 1
        if at == first:
            return -1
    return at


@compiled
def _exponent(text: np.ndarray, at: int) -> tuple[int, int]:
    negative = byte_at(text, at) == MINUS
    at += int(byte_at(text, at) == MINUS or byte_at(text, at) == PLUS)
    first = at
    value = 0
    while ZERO <= byte_at(text, at) <= NINE:
        value = min(10 * value + byte_at(text, at) - ZERO, _TOO_LONG)
        at += 1
    return -value if negative else value, at if at > first else -1


@compiled
def nearest(digits: np.uint64, scale: int) -> float:
    """Return the double nearest to digits / 10**scale, or NaN where this needs more than two doubles to decide.

    Up to 53 bits and 22 powers of ten one division of exact numbers rounds correctly. Longer digits are split into two
    doubles and divided with the remainder; the sum is right unless the remainder's last bits could tip its rounding.
    """
    if digits == 0 and scale != _TOO_LONG:
        return 0.0
    if not -22 <= scale <= 22:
        return np.nan
    if digits < np.uint64(1 << 53):
        return float(digits) / _POWERS[scale] if scale >= 0 else float(digits) * _POWERS[-scale]
    if scale < 0:
        return np.nan
    divisor = _POWERS[scale]
    high = float(digits)
    low = float(np.int64(digits - np.uint64(high)))
    quotient = high / divisor
    product, error = _product(quotient, divisor)
    rest = ((high - product) - error + low) / divisor
    value = quotient + rest * (1 - _DOUBT)
    return value if value == quotient + rest * (1 + _DOUBT) else np.nan


@compiled
def _product(a: float, b: float) -> tuple[float, float]:
    """The product of two doubles and its rounding error, exactly (Dekker, 1971)."""
    shifted = _SPLITTER * a
    a_high = shifted - (shifted - a)
    a_low = a - a_high
    shifted = _SPLITTER * b
    b_high = shifted - (shifted - b)
    b_low = b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@compiled
def _read(text: np.ndarray, starts: np.ndarray, skip: int, values: np.ndarray) -> None:
    for row in range(len(starts)):
        at = starts[row]
        for _ in range(skip):
            while byte_at(text, at) != COMMA:
                at += 1
            at += 1
        for column in range(values.shape[1]):
            while not (byte_at(text, at) == MINUS or ZERO <= byte_at(text, at) <= NINE):
                at += 1
            digits, scale, end = decimal(text, at)
            value = nearest(digits, scale)
            values[row, column] = -value if byte_at(text, at) == MINUS else value
            at = end


def numbers(text: np.ndarray, starts: np.ndarray, width: int, skip: int = 0) -> np.ndarray:
    """Read some numbers of some arrays of a checked JSON text, (n, width) float64.

    Args:
        text: (bytes,) uint8.
        starts: where each array begins, (n,) int64.
        width: numbers to read.
        skip: numbers before them; every array has skip + width or more.
    """
    values = np.empty((len(starts), width))
    in_threads(
        lambda rows: _read(text, starts[rows], skip, values[rows]), slices(len(starts), _LEAST_PART // width + 1)
    )
    for row in np.flatnonzero(np.isnan(values).any(axis=1)):
        found = islice(_NUMBER.finditer(text[starts[row] :].data), skip, skip + width)
        values[row] = [float(number.group()) for number in found]
    return values
