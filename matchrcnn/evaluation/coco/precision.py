"""COCO's interpolated precision and recall, for many weightings at once.

A weight says how often an image counts: 1 for the split as it is, a resample's multiplicities for the bootstrap, where
a batch of resamples shares the walk.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.evaluation.coco.matching import THRESHOLDS, Matches
from matchrcnn.evaluation.coco.precision_walk import items_of, needed_hits, walk
from matchrcnn.evaluation.coco.ranking import Ranking
from matchrcnn.subsets import NUM_COLUMNS, Membership
from matchrcnn.taxonomy import NUM_CATEGORIES

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points, (101,) float64."""


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
    """Precision and recall of one category: T thresholds, S columns, R recall points, B weightings.

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
        """Compute the curves of a category 0..12 when image i counts weights[i, b] times, (I, B) int16."""
        starts, matches = scored.ranking.starts, scored.matches
        first, last = np.searchsorted(matches.position, starts[category : category + 2])
        items = items_of(scored.category, category, scored.membership.items, scored.image, weights)
        thresholds, columns, batch = self.recall.shape
        cells = (thresholds * columns, batch)
        curves = (cells[0], self.precision.shape[2], batch)
        walk(
            scored.ranking.image[starts[category] : starts[category + 1]],
            matches.position[first:last] - starts[category],
            matches.true[first:last],
            matches.ignored[first:last],
            scored.membership.images,
            weights,
            items,
            needed_hits(items, RECALLS),
            np.zeros((5, *cells), np.int32),
            np.zeros((columns + thresholds, batch), np.int32),
            np.zeros((2, *cells)),
            self.precision.reshape(curves),
            self.normalized.reshape(curves),
            self.mean.reshape(cells),
            self.mean_normalized.reshape(cells),
            self.recall.reshape(cells),
        )
        return self


def count_items(scored: Scored) -> np.ndarray:
    """Ground truths of each category in each column, (13, 13) int64."""
    columns = (scored.membership.items[:, None] >> np.arange(NUM_COLUMNS)) & 1
    items = np.zeros((NUM_CATEGORIES, NUM_COLUMNS), np.int64)
    np.add.at(items, scored.category, columns)
    return items
