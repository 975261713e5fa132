"""Which pixels can be the highest of a map upsampled by bicubic interpolation, found without upsampling it.

Torch's bicubic weights (a = -0.75) sum to 1 along an axis, and the negative ones to at most 0.75 t (1 - t) <= 0.1875 in
size. A pixel's 16 weights thus sum to at most 1.375^2 in size, and the pixel rises above the highest of its 4x4 cells
by at most (1.375^2 - 1) / 2 of their range. Cells from which no pixel can reach the best one found are passed over; the
pixels of the others are computed in float64, and those within float32 rounding of the highest contend for it.
"""

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from matchrcnn.parallel import compiled, compiled_without_nan

TAPS = 4
"""Cells that bicubic interpolation reads along an axis."""

AXIS_OVERSHOOT, OVERSHOOT = 0.1875, (1.375**2 - 1) / 2
"""How far a pixel rises above the highest of its cells, in parts of their range: along one axis, along both."""

ROUNDING = 32 * 2.0**-24
"""Bound of a pixel's error in float32, in parts of the map's largest absolute value.

The kernel rounds a term at most 8 times, and the weights read off it 3 times an axis where taps past the border fall
together: 14 roundings of 2^-24, on weights that sum to at most 1.375^2 in size, make 26.5.
"""

Taps = tuple[float, float, float, float]
Axis = tuple[np.ndarray, np.ndarray, np.ndarray]  # as `_axis` returns it
Span = tuple[int, int, int, int]  # as a row of `find_contenders`


def find_contenders(maps: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that can be the highest of each map upsampled to height x width.

    Args:
        maps: finite, (K, S, S) float32, S at least 4.

    Returns:
        spans: first contending pixel y, x and past the last y, x, (K, 4) int64.
        rows: the first row of cells that the first contending pixel reads, (K,) int64.
    """
    rows, columns = _axis(maps.shape[1], height), _axis(maps.shape[2], width)
    spans = np.array([_search(cells, rows, columns) for cells in maps])
    return spans, rows[0][spans[:, 0]]


@lru_cache(maxsize=1024)
def _axis(side: int, size: int) -> Axis:
    """How torch reads `side` cells for `size` pixels along an axis.

    Returns:
        first: the first of the four cells of each pixel, (size,) int64, never falling.
        weights: torch's own, (size, 4) float64; those of taps past the border are added up at the border.
        begin: the first pixel whose four cells begin at a cell or after it, (side - 2,) int64.
    """
    cells = torch.eye(side)[None, :, None]
    dense = functional.interpolate(cells, (1, size), mode="bicubic", align_corners=False)[0, :, 0].numpy()
    first = np.minimum((dense != 0).argmax(0), side - TAPS)
    first = np.minimum.accumulate(first[::-1])[::-1].copy()  # a pixel on the centre of a cell reads no other
    weights = np.take_along_axis(dense, first + np.arange(TAPS)[:, None], axis=0).T.astype(np.float64)
    return first, np.ascontiguousarray(weights), np.searchsorted(first, np.arange(side - TAPS + 2))


@compiled
def _search(cells: np.ndarray, rows: Axis, columns: Axis) -> Span:
    """The bounds of a map's contending pixels."""
    high, low = _row_extremes(cells)
    row = high.argmax()
    tie = 2 * ROUNDING * max(abs(high[row]), abs(low))
    y, x = int(row * len(rows[0]) // len(cells)), int(cells[row].argmax() * len(columns[0]) // len(cells))
    best, span = _down(_across(cells, columns, rows[0][y], x), rows, y), (y, x, y + 1, x + 1)
    for top in range(len(rows[2]) - 1):
        if rows[2][top] < rows[2][top + 1] and _reach(_highest(high, top), low, OVERSHOOT) >= best - tie:
            best, span = _search_strip(cells, rows, columns, top, best, span, tie)
    return span


@compiled
def _search_strip(
    cells: np.ndarray, rows: Axis, columns: Axis, top: int, best: float, span: Span, tie: float
) -> tuple[float, Span]:
    """The best pixel and the contenders when those that read the four rows of cells from `top` on are added."""
    high, low = _column_extremes(cells, top)
    for left in range(len(columns[2]) - 1):
        if _reach(_highest(high, left), _lowest(low, left), OVERSHOOT) < best - tie:
            continue
        for x in range(columns[2][left], columns[2][left + 1]):
            across = _across(cells, columns, top, x)
            if _reach(_highest(across, 0), _lowest(across, 0), AXIS_OVERSHOOT) < best - tie:
                continue
            for y in range(rows[2][top], rows[2][top + 1]):
                best, span = _add(best, span, tie, _down(across, rows, y), y, x)
    return best, span


@compiled
def _add(best: float, span: Span, tie: float, value: float, y: int, x: int) -> tuple[float, Span]:
    """The best pixel and the contenders when one more is added."""
    if value > best + tie:
        return value, (y, x, y + 1, x + 1)
    if value >= best - tie:
        span = (min(span[0], y), min(span[1], x), max(span[2], y + 1), max(span[3], x + 1))
    return max(best, value), span


@compiled_without_nan
def _row_extremes(cells: np.ndarray) -> tuple[np.ndarray, float]:
    """Each row's highest cell, and the lowest of all."""
    highest, lowest = np.empty(len(cells), cells.dtype), cells[0, 0]
    for row in range(len(cells)):
        high = low = cells[row, 0]
        for cell in cells[row]:
            high, low = max(high, cell), min(low, cell)
        highest[row], lowest = high, min(lowest, low)
    return highest, lowest


@compiled_without_nan
def _column_extremes(cells: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """The highest and the lowest of the four cells of each column from a row on."""
    a, b, c, d = cells[top], cells[top + 1], cells[top + 2], cells[top + 3]
    highest, lowest = np.empty_like(a), np.empty_like(a)
    for x in range(len(a)):
        highest[x] = max(max(a[x], b[x]), max(c[x], d[x]))
        lowest[x] = min(min(a[x], b[x]), min(c[x], d[x]))
    return highest, lowest


@compiled
def _highest(values: np.ndarray | Taps, begin: int) -> float:
    return max(max(values[begin], values[begin + 1]), max(values[begin + 2], values[begin + 3]))


@compiled
def _lowest(values: np.ndarray | Taps, begin: int) -> float:
    return min(min(values[begin], values[begin + 1]), min(values[begin + 2], values[begin + 3]))


@compiled
def _reach(high: float, low: float, overshoot: float) -> float:
    """What nothing exceeds that is interpolated between values from `low` to `high`."""
    return high + overshoot * (high - low)


@compiled
def _across(cells: np.ndarray, columns: Axis, top: int, x: int) -> Taps:
    """Four rows of cells from `top` on, interpolated at the pixel column x, in float64."""
    begin, weights = columns[0][x], columns[1][x]
    return (
        _dot(cells[top, begin : begin + TAPS], weights),
        _dot(cells[top + 1, begin : begin + TAPS], weights),
        _dot(cells[top + 2, begin : begin + TAPS], weights),
        _dot(cells[top + 3, begin : begin + TAPS], weights),
    )


@compiled
def _down(across: Taps, rows: Axis, y: int) -> float:
    """The pixel of row y in a column that `_across` interpolated."""
    return _dot(across, rows[1][y])


@compiled
def _dot(values: np.ndarray | Taps, weights: np.ndarray) -> float:
    return values[0] * weights[0] + values[1] * weights[1] + values[2] * weights[2] + values[3] * weights[3]
