"""The numbers of the paper's tables: cells, measures and how they nest in metrics.json."""

from collections.abc import Callable
from typing import Any

import numpy as np

from matchrcnn.evaluation.precision import Curves
from matchrcnn.evaluation.subsets import OVERALL
from matchrcnn.taxonomy import CATEGORY_NAMES, SUBSETS

CELLS: tuple[tuple[str, ...], ...] = (
    *SUBSETS,
    ("overall",),
    *(("category", name) for name in CATEGORY_NAMES),
)
"""Paths of the cells in metrics.json: 12 subsets, the whole split, 13 categories."""

MEASURES = ("AP", "AP50", "AP75", "AR", "AP_size_normalized")
"""The numbers of a cell, in the order of `measure`'s columns."""

_IOU50, _IOU75 = 0, 5


def measure(curves: Curves) -> np.ndarray:
    """All measures of all cells, (26, 5) float64; NaN where a cell has no ground truth.

    A subset's value is the mean over the categories that it holds, a category's value is that of the whole split.
    """
    subsets = [_measure(curves, column, slice(None)) for column in range(OVERALL + 1)]
    categories = [_measure(curves, OVERALL, slice(k, k + 1)) for k in range(len(CATEGORY_NAMES))]
    return np.array(subsets + categories)


def _measure(curves: Curves, column: int, categories: slice) -> list[float]:
    precision = curves.precision[column, :, :, categories]
    return [
        _mean(precision),
        _mean(precision[_IOU50]),
        _mean(precision[_IOU75]),
        _mean(curves.recall[column, :, categories]),
        _mean(curves.normalized[column, :, :, categories]),
    ]


def _mean(values: np.ndarray) -> float:
    present = values[values > -1]
    return float(np.mean(present)) if present.size else float("nan")


def nested(leaf: Callable[[int], Any]) -> dict[str, Any]:
    """The nesting of metrics.json, with what `leaf` gives for the index of each cell."""
    tree: dict[str, Any] = {"overall": None}
    for index, path in enumerate(CELLS):
        if len(path) == 1:
            tree[path[0]] = leaf(index)
        else:
            tree.setdefault(path[0], {})[path[1]] = leaf(index)
    return tree


def cell_values(values: np.ndarray) -> dict[str, Any]:
    """Measures (26, 5) in the nesting of metrics.json; a cell without ground truth is None."""
    return nested(
        lambda cell: None if np.isnan(values[cell, 0]) else dict(zip(MEASURES, values[cell].tolist(), strict=True))
    )


def cell_intervals(low: np.ndarray, high: np.ndarray) -> dict[str, Any]:
    """Ends of intervals, (26, 5) each, in the nesting of metrics.json; a cell without ground truth is None."""

    def leaf(cell: int) -> dict[str, list[float]] | None:
        if np.isnan(low[cell, 0]):
            return None
        ends = np.stack([low[cell], high[cell]], axis=1).tolist()
        return dict(zip(MEASURES, ends, strict=True))

    return nested(leaf)
