"""The numbers of the paper's tables: cells, measures and how they nest in metrics.json."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from matchrcnn.evaluation.coco.precision import Curves, Scored
from matchrcnn.paths import nest
from matchrcnn.subsets import COLUMNS, OVERALL
from matchrcnn.taxonomy import CATEGORY_NAMES, NUM_CATEGORIES

CELLS: tuple[str, ...] = (*COLUMNS, *(f"category/{name}" for name in CATEGORY_NAMES))
"""Paths of the cells in metrics.json: 12 subsets, the whole split, 13 categories."""

MEASURES = ("AP", "AP50", "AP75", "AR", "AP_size_normalized")
"""The numbers of a cell, in the order of `measure`'s columns."""

_IOU75 = 5


def measure(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return all measures of all cells when image i counts weights[i, b] times, (I, B) int16: (B, 26, 5) float64.

    A subset's value is the mean over the categories that it holds, a category's value is that of the whole split; NaN
    where a cell has no ground truth.
    """
    return cells(measure_categories(scored, weights))


def average(curves: Iterable[Curves]) -> np.ndarray:
    """Return all measures of all cells, (B, 26, 5) float64, from the curves of the 13 categories."""
    return cells(by_category(curves))


def measure_categories(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return all measures of each category in each column, (5, K, S, B) float64; see `by_category`."""
    curves = Curves.empty(weights.shape[1], points=0)
    return by_category(curves.fill(scored, k, weights) for k in range(NUM_CATEGORIES))


def by_category(curves: Iterable[Curves]) -> np.ndarray:
    """Return all measures of each category in each column: (5, K, S, B) float64, -1 without ground truth."""
    numbers = [
        np.stack(
            [
                one.mean.mean(axis=0),
                one.mean[0],
                one.mean[_IOU75],
                one.recall.mean(axis=0),
                one.mean_normalized.mean(axis=0),
            ]
        )
        for one in curves
    ]
    return np.stack(numbers, axis=1)


def cells(numbers: np.ndarray) -> np.ndarray:
    """Return all measures of all cells, (B, 26, 5) float64, from those of the categories, (5, K, S, B)."""
    return np.stack([_cells(measure) for measure in numbers], axis=-1)


def ap50(curves: Iterable[Curves]) -> np.ndarray:
    """Return AP50 of all cells, (B, 26) float64, from the curves of all categories at the first threshold or more."""
    return _cells(np.stack([one.mean[0].copy() for one in curves]))


def _cells(by_category: np.ndarray) -> np.ndarray:
    """Means over categories, then each category: (B, 26) float64, from (K, S, B) with -1 for what is absent."""
    present = by_category > -1
    total = np.where(present, by_category, 0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        columns = total / present.sum(axis=0)
    categories = np.where(present[:, OVERALL], by_category[:, OVERALL], np.nan)
    return np.concatenate([columns, categories]).T


def nested(leaf: Callable[[int], Any]) -> dict[str, Any]:
    """Return the nesting of metrics.json, with what `leaf` gives for the index of each cell; `overall` comes first."""
    cells = sorted(range(len(CELLS)), key=lambda cell: cell != OVERALL)
    return nest((CELLS[cell], leaf(cell)) for cell in cells)


def cell_measures(cell: int) -> tuple[str, ...]:
    """Return the names of a cell's numbers: size-normalized precision differs from AP in subsets only."""
    return MEASURES if cell < OVERALL else MEASURES[:-1]


def cell_values(values: np.ndarray) -> dict[str, Any]:
    """Return measures, (26, 5) float64, in the nesting of metrics.json; a cell without ground truth is None."""
    return nested(lambda cell: None if np.isnan(values[cell, 0]) else _named(cell, values[cell].tolist()))


def cell_intervals(low: np.ndarray, high: np.ndarray) -> dict[str, Any]:
    """Return ends of intervals, (26, 5) float64 each, in the nesting of metrics.json; None without ground truth."""
    ends = np.stack([low, high], axis=-1)
    return nested(lambda cell: None if np.isnan(ends[cell]).any() else _named(cell, ends[cell].tolist()))


def _named(cell: int, numbers: list[Any]) -> dict[str, Any]:
    return dict(zip(cell_measures(cell), numbers, strict=False))
