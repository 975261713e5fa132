"""COCO's interpolated precision and recall, for many weightings at once.

A weight says how often an image counts: 1 for the split as it is, a resample's multiplicities for the bootstrap, where
a batch of resamples shares the walk.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.evaluation.coco.matching import THRESHOLDS, Matches
from matchrcnn.evaluation.coco.precision_walk import (
    Detections,
    FlatCurves,
    Recall,
    State,
    items_of,
    needed_hits,
    walk,
)
from matchrcnn.evaluation.coco.ranking import Ranking
from matchrcnn.subsets import NUM_COLUMNS, Membership
from matchrcnn.taxonomy import NUM_CATEGORIES

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points, (R,) float64."""


@dataclass(frozen=True, eq=False)
class Scored:
    """All that precision depends on, whatever the images' weights.

    Attributes:
        ranking: the detections that count.
        matches: which of them are matched.
        membership: what counts in which column.
        image: index of each ground truth's image, (G,) int64.
        category: 0..12 of each ground truth, (G,) int64.
    """

    ranking: Ranking
    matches: Matches
    membership: Membership
    image: np.ndarray
    category: np.ndarray


@dataclass(frozen=True, eq=False)
class Curves:
    """Precision and recall of one category at T thresholds, in S columns, at R recall points, for B weightings.

    -1 where a column has no ground truth of the category, as in pycocotools.

    Attributes:
        precision: (T, S, R, B) float64; R is 0 where only the means are wanted.
        normalized: the same with k w / (k w + fp) for precision, where k true positives and the fp false positives of
            all images are found, and w is the category's items overall over those of the column.
        mean: of the precision over the recall points, (T, S, B) float64.
        mean_normalized: of the normalized precision over the recall points, (T, S, B) float64.
        recall: (T, S, B) float64.
    """

    precision: np.ndarray
    normalized: np.ndarray
    mean: np.ndarray
    mean_normalized: np.ndarray
    recall: np.ndarray

    @staticmethod
    def empty(batch: int, thresholds: int = len(THRESHOLDS), points: int = len(RECALLS)) -> "Curves":
        """Room for the curves of `batch` weightings at the first of the thresholds; for their means with no points."""
        shape = (thresholds, NUM_COLUMNS, points, batch)
        means = np.empty((3, thresholds, NUM_COLUMNS, batch))
        return Curves(np.empty(shape), np.empty(shape), *means)

    def fill(self, scored: Scored, category: int, weights: np.ndarray) -> "Curves":
        """Fill in the curves of a category 0..12 when image i counts weights[i, b] times, (I, B) int16."""
        starts, matches = scored.ranking.starts, scored.matches
        first, last = np.searchsorted(matches.position, starts[category : category + 2])
        items = items_of(scored.category, category, scored.membership.items, scored.image, weights)
        detections = Detections(
            images=scored.ranking.image[starts[category] : starts[category + 1]],
            events=matches.position[first:last] - starts[category],
            true=matches.true[first:last],
            ignored=matches.ignored[first:last],
            bits=scored.membership.images,
            weights=weights,
        )
        thresholds, _, batch = self.recall.shape
        walk(detections, Recall(items, needed_hits(items, RECALLS)), State.start(thresholds, batch), self._flat())
        return self

    def _flat(self) -> FlatCurves:
        """Views with thresholds and columns as one axis."""
        thresholds, columns, points, batch = self.precision.shape
        cells = thresholds * columns
        curves = (each.reshape(cells, points, batch) for each in (self.precision, self.normalized))
        means = (each.reshape(cells, batch) for each in (self.mean, self.mean_normalized, self.recall))
        return FlatCurves(*curves, *means)


def count_items(scored: Scored) -> np.ndarray:
    """Count the ground truths of each category in each column, (K, S) int64."""
    columns = (scored.membership.items[:, None] >> np.arange(NUM_COLUMNS)) & 1
    items = np.zeros((NUM_CATEGORIES, NUM_COLUMNS), np.int64)
    np.add.at(items, scored.category, columns)
    return items
