"""Confidence intervals of retrieval: the images of the queries are resampled, what became of each query stays."""

from typing import Any

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.bootstrap import draw_weights, interval
from matchrcnn.evaluation.retrieval import KS, Outcomes, subset_queries
from matchrcnn.evaluation.retrieval_files import TOP
from matchrcnn.taxonomy import SUBSETS


def retrieval_intervals(outcomes: Outcomes, images: np.ndarray, bootstrap: BootstrapParams) -> dict[str, Any]:
    """Intervals of all shares, nested as `retrieval.metrics` nests them.

    Queries of one image are drawn together. The gallery stays as it is: the intervals say how sure a number is for
    other photos of customers, not for another shop.

    Args:
        outcomes: of Q queries.
        images: (Q,) int64, the image of each query.
        bootstrap: resamples, seed and level.

    Returns:
        Leaves {topK: [low, high]}; null where no query counts. Empty where no resamples are asked for.
    """
    if not bootstrap.resamples or not len(images):
        return {}
    hits, counted = _cells(outcomes)
    _, image = np.unique(images, return_inverse=True)
    found, queries = (_by_image(each, image) for each in (hits & counted, counted))
    weights = (drawn.T.astype(np.float64) for _, drawn in draw_weights(len(found), bootstrap))
    with np.errstate(invalid="ignore"):  # no query of a cell was drawn: no value
        samples = np.concatenate([drawn @ found / (drawn @ queries) for drawn in weights])
    return _nested(*interval(samples, bootstrap.level), subsets=counted.shape[1] > len(KS))


def _cells(outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Which queries hit, and which count, in each number: top-k of all, then top-20 of each subset; (Q, C) bool."""
    first = outcomes.first_hit
    hits, counted = [first < k for k in KS], [np.ones(len(first), bool) for _ in KS]
    for queries in subset_queries(outcomes) or []:
        hits.append(first < TOP)
        counted.append(queries)
    return np.stack(hits, axis=1), np.stack(counted, axis=1)


def _by_image(flags: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Sums of (Q, C) bool over the queries of each image, (I, C) float64."""
    sums = np.zeros((image.max() + 1, flags.shape[1]))
    np.add.at(sums, image, flags)
    return sums


def _nested(low: np.ndarray, high: np.ndarray, subsets: bool) -> dict[str, Any]:
    ends = [None if np.isnan(pair).any() else [float(end) for end in pair] for pair in zip(low, high, strict=True)]
    nested: dict[str, Any] = {"overall": {f"top{k}": pair for k, pair in zip(KS, ends, strict=False)}}
    if subsets:
        for (attribute, level), pair in zip(SUBSETS, ends[len(KS) :], strict=True):
            nested.setdefault(attribute, {})[level] = {"top20": pair}
    return nested
