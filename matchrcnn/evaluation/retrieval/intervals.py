"""Intervals of retrieval's shares: the images of the queries are resampled, what became of each query stays.

Numbers are shares in one row: top-k of all queries in the order of `KS`, then top-20 of each of the 12 subsets where
the queries tell their attributes (C is 5 or 17).
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.intervals.bootstrap import draw_weights
from matchrcnn.evaluation.intervals.paired import Resampled, check_alike, verdict
from matchrcnn.evaluation.intervals.shares import effective_trials, paired_difference, wilson
from matchrcnn.evaluation.intervals.spread import variance
from matchrcnn.evaluation.retrieval.outcomes import KS, Outcomes, subset_queries
from matchrcnn.paths import nest
from matchrcnn.retrieval.files import TOP
from matchrcnn.subsets import COLUMNS, OVERALL

_PATHS = (*(f"overall/top{k}" for k in KS), *(f"{column}/top{TOP}" for column in COLUMNS[:OVERALL]))
"""Where the numbers are in metrics.json."""


def resample_retrieval(outcomes: Outcomes, images: np.ndarray, bootstrap: BootstrapParams) -> Resampled:
    """Return all shares, (C,), and those of every resample of the queries' images, (B, C); NaN where no query counts.

    Queries of one image are drawn together. The gallery stays as it is: the resamples say how sure a number is for
    other photos of customers, not for another shop. Every run has the same queries, so that two can be compared
    pairwise.

    Args:
        outcomes: of Q queries.
        images: (Q,) int64, the image of each query.
        bootstrap: resamples and seed.
    """
    hits, counted = _cells(outcomes)
    names, image = np.unique(images, return_inverse=True)
    found, queries = (_by_image(each, image, len(names)) for each in (hits & counted, counted))
    weights = (drawn.T.astype(np.float64) for _, drawn in draw_weights(len(names), bootstrap))
    items = np.stack([queries.sum(axis=0), (queries > 0).sum(axis=0)], axis=1).astype(np.int64)
    with np.errstate(invalid="ignore"):  # no query of a cell was drawn: no value
        values = found.sum(axis=0) / queries.sum(axis=0)
        samples = [drawn @ found / (drawn @ queries) for drawn in weights] if len(names) else []
    split = hashlib.sha256(images.tobytes() + counted.tobytes()).hexdigest()[:16]
    protocol = f"{split}, {bootstrap.resamples} resamples, seed {bootstrap.seed}"
    shares = np.concatenate([np.empty((0, len(values))), *samples])
    return Resampled(values, shares, protocol, items, np.empty(0, np.float32))


def retrieval_intervals(resampled: Resampled, level: float) -> dict[str, Any]:
    """Return intervals of all shares, nested as `outcomes.metrics` nests them.

    Returns:
        Leaves {topK: [low, high]}; null where no query counts. Empty where there are no resamples.
    """
    if not len(resampled.samples):
        return {}
    low, high = share_interval(resampled, level)

    def ends(number: int) -> list[float] | None:
        pair = [float(low[number]), float(high[number])]
        return None if np.isnan(pair).any() else pair

    return _nested(ends, len(low))


def share_interval(resampled: Resampled, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the interval of each share, (C,); NaN where no query counts."""
    queries, images = resampled.items.T
    trials = effective_trials(resampled.values, variance(resampled.samples, 0), queries, images)
    return wilson(resampled.values, trials, level)


def paired_shares(first: Resampled, second: Resampled, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return second less first, and the ends of the interval of that difference, (C,); NaN where no query counts.

    Raises:
        UserError: they were not resampled alike.
    """
    check_alike(first, second)
    difference = second.values - first.values
    spread = variance(second.samples - first.samples, 0)
    return difference, *paired_difference(difference, spread, first.items[:, 1], level)


def compare_retrieval(first: Resampled, second: Resampled, level: float = 0.95) -> dict[str, Any]:
    """Tell how much the second run differs from the first in every share, with leaves as in `intervals.paired`.

    Raises:
        UserError: they were not resampled alike.
    """
    difference, low, high = paired_shares(first, second, level)

    def leaf(number: int) -> dict[str, Any] | None:
        numbers = [float(part[number]) for part in (difference, low, high)]
        return None if np.isnan(numbers).any() else verdict(*numbers)

    return _nested(leaf, len(difference))


def _cells(outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Which queries hit, and which count, in each number: top-k of all, then top-20 of each subset; (Q, C) bool."""
    first = outcomes.first_hit
    hits, counted = [first < k for k in KS], [np.ones(len(first), bool) for _ in KS]
    for queries in subset_queries(outcomes) or []:
        hits.append(first < TOP)
        counted.append(queries)
    return np.stack(hits, axis=1), np.stack(counted, axis=1)


def _by_image(flags: np.ndarray, image: np.ndarray, images: int) -> np.ndarray:
    """Sums of (Q, C) bool over the queries of each image, (I, C) float64."""
    sums = np.zeros((images, flags.shape[1]))
    np.add.at(sums, image, flags)
    return sums


def _nested(leaf: Callable[[int], Any], numbers: int) -> dict[str, Any]:
    """Return the nesting of `outcomes.metrics`, with what `leaf` gives for each of so many numbers."""
    return nest((path, leaf(number)) for number, path in enumerate(_PATHS[:numbers]))
