"""Intervals of average precision: the number plus and minus a multiple of its spread over resamples of the images.

An interval is about the expected number of the same model on another sample of this size. Percentiles of the resamples
are not: precision of few images is too high by itself, and a resample, which holds fewer images than the sample, is too
high by about as much again. The spread of the resamples has no such bias, but it is short where a category has one or
two items in a cell: all resamples that hold the item rank it alike. So the variance that a category adds to a cell is
moderated: its own variance per item counts as much as its items less one, and that of the cell's other categories
counts as `PRIOR` items do. A t distribution of as many degrees of freedom allows for the variance being an estimate.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.evaluation.intervals.student import t_quantile
from matchrcnn.subsets import NUM_COLUMNS, OVERALL

PRIOR = 4.0
"""Degrees of freedom with which the other categories' variance per item counts."""

_LARGEST = 0.25  # variance of a number in 0..1, where no category has two items to tell it


@dataclass(frozen=True, eq=False)
class Spread:
    """How the numbers of a sample vary over its resamples; M measures, K categories, S columns, C = S + K cells.

    Attributes:
        cells: variance of each number, (C, M) float64; NaN where fewer than two resamples have it.
        categories: the same of each category's number in each column, (M, K, S) float64; NaN alike.
        items: of each category in each column of the sample, (K, S) int64.
    """

    cells: np.ndarray
    categories: np.ndarray
    items: np.ndarray


def spread(samples: np.ndarray, numbers: np.ndarray, items: np.ndarray) -> Spread:
    """Measure how numbers vary over resamples.

    Args:
        samples: numbers of the cells in every resample, (B, C, M); NaN where a resample lacks a cell.
        numbers: the same of the categories, (M, K, S, B); NaN where a resample has no item.
        items: of each category in each column of the sample, (K, S) int64.
    """
    return Spread(variance(samples, 0), variance(numbers, -1), items)


def variance(samples: np.ndarray, axis: int) -> np.ndarray:
    """Unbiased variance along an axis, float64, NaN left out; NaN where fewer than two numbers are left."""
    present = ~np.isnan(samples)
    count = present.sum(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, samples, 0).sum(axis=axis, keepdims=True, dtype=np.float64) / count
        squares = np.where(present, samples - mean, 0) ** 2
        found = squares.sum(axis=axis, keepdims=True) / (count - 1)
    return np.where(count > 1, found, np.nan).squeeze(axis)


def interval(values: np.ndarray, spread: Spread, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of each number, clipped to 0..1.

    Args:
        values: numbers of the cells, (C, M) float64.
        spread: of the same.
        level: share of samples whose interval holds the expected number, 0..1.

    Returns:
        Low and high ends, (C, M) float64; NaN where a cell has no number or fewer than two resamples have one.
    """
    margin = margins(spread, level)
    return np.clip(values - margin, 0, 1), np.clip(values + margin, 0, 1)


def margins(spread: Spread, level: float) -> np.ndarray:
    """Half the width of each interval before it is clipped, (C, M) float64."""
    own = np.nan_to_num(spread.categories)
    moderated, freedom = _moderated(own, spread.items)
    present = spread.items > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        added = (moderated - own * present).sum(axis=1) / present.sum(axis=0) ** 2
        columns = np.maximum(spread.cells[:NUM_COLUMNS].T + added, 0)
        # Satterthwaite's degrees of freedom of a sum of variances; any where nothing varies
        freedoms = moderated.sum(axis=1) ** 2 / (moderated**2 / freedom).sum(axis=1)
        freedoms = np.where(np.isnan(freedoms), PRIOR, freedoms)
    variances = np.concatenate([columns, moderated[:, :, OVERALL]], axis=1).T
    degrees = np.concatenate([freedoms, np.tile(freedom[:, OVERALL], (len(own), 1))], axis=1).T
    missing = np.isnan(spread.cells)
    quantiles = t_quantile((1 + level) / 2, np.where(missing, np.nan, degrees))
    return np.where(missing, np.nan, quantiles * np.sqrt(variances))


def _moderated(own: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances of the categories' numbers, (M, K, S), and their degrees of freedom, (K, S); 0 where no item is."""
    freedom = np.maximum(items - 1.0, 0)
    one = own * items  # variance per item
    total = freedom.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (one * freedom).sum(axis=1) / total
    pooled = np.where(total > 0, pooled, pooled[:, OVERALL, None] if total[OVERALL] else _LARGEST)
    mixed = (freedom * one + PRIOR * pooled[:, None]) / (freedom + PRIOR)
    return np.where(items > 0, mixed / np.maximum(items, 1), 0), freedom + PRIOR
