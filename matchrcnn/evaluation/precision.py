"""COCO's interpolated precision and recall, evaluated at the true positives only, for weighted images.

Between two true positives precision only falls, so that its envelope is known from its values at true positives; the
false positives before one are its rank less what was matched so far. A weight says how often an image counts: 1 for the
split as it is, a resample's multiplicities for the bootstrap.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.evaluation.compiled import compiled
from matchrcnn.evaluation.matching import THRESHOLDS, Matches
from matchrcnn.evaluation.ranking import Ranking
from matchrcnn.evaluation.subsets import NUM_COLUMNS, OVERALL, Membership
from matchrcnn.taxonomy import NUM_CATEGORIES

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points, (101,) float64."""

_EPSILON = np.spacing(1)


@dataclass(frozen=True, eq=False)
class Curves:
    """Precision and recall of every column S, threshold T, recall point R and category K; -1 without ground truth.

    Attributes:
        precision: (S, T, R, K) float64, as pycocotools' `eval["precision"]` for each column.
        normalized: the same with the precision of `size_normalized`, (S, T, R, K) float64.
        recall: (S, T, K) float64.
    """

    precision: np.ndarray
    normalized: np.ndarray
    recall: np.ndarray


@dataclass(frozen=True, eq=False)
class Counted:
    """All that precision depends on, whatever the images' weights.

    Attributes:
        image: image of each ranked detection, (N,) int32.
        starts: where each category begins in the ranking, (K + 1,) int64.
        matches: the matches; their events begin at `event_starts` for each category.
        event_starts: (K + 1,) int64.
        membership: what counts in which column.
        item_image: image of each ground truth, (G,) int64.
        item_category: category of each ground truth, (G,) int64.
    """

    image: np.ndarray
    starts: np.ndarray
    matches: Matches
    event_starts: np.ndarray
    membership: Membership
    item_image: np.ndarray
    item_category: np.ndarray


def counted(
    ranking: Ranking, matches: Matches, membership: Membership, image: np.ndarray, category: np.ndarray
) -> Counted:
    """Put together what precision depends on; image and category are those of the ground truths."""
    event_starts = np.searchsorted(matches.position, ranking.starts)
    return Counted(ranking.image, ranking.starts, matches, event_starts, membership, image, category)


def curves(data: Counted, weights: np.ndarray) -> Curves:
    """Precision and recall when image i counts weights[i] times, (I,) int32."""
    items = np.zeros((NUM_COLUMNS, NUM_CATEGORIES), np.int64)
    columns = np.arange(NUM_COLUMNS)[:, None]
    member = (data.membership.items >> columns) & 1
    for column in range(NUM_COLUMNS):
        counts = weights[data.item_image] * member[column]
        items[column] = np.bincount(data.item_category, counts, NUM_CATEGORIES)
    shape = (NUM_COLUMNS, len(THRESHOLDS), len(RECALLS), NUM_CATEGORIES)
    precision, normalized = np.full(shape, -1.0), np.full(shape, -1.0)
    recall = np.full((NUM_COLUMNS, len(THRESHOLDS), NUM_CATEGORIES), -1.0)
    lanes = _lanes(data.membership.images, weights)
    matches = data.matches
    for k in range(NUM_CATEGORIES):
        first, last = data.event_starts[k], data.event_starts[k + 1]
        images = data.image[data.starts[k] : data.starts[k + 1]]
        events = matches.position[first:last] - data.starts[k]
        ranks = _ranks(images, events, lanes)
        needed = _needed(items[:, k], RECALLS)
        for t in range(len(THRESHOLDS)):
            _interpolate(
                ranks,
                weights[images[events]],
                matches.true[t, first:last],
                matches.ignored[t, first:last],
                data.membership.images[images[events]],
                items[:, k],
                needed,
                precision[:, t, :, k],
                normalized[:, t, :, k],
                recall[:, t, k],
            )
    return Curves(precision, normalized, recall)


@compiled
def _lanes(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight of each image in each column, (I, 16) int32: a row is one step of the counters in `_ranks`."""
    lanes = np.zeros((len(images), 16), np.int32)
    for i in range(len(images)):
        for s in range(NUM_COLUMNS):
            lanes[i, s] = weights[i] * ((images[i] >> s) & 1)
    return lanes


@compiled
def _ranks(images: np.ndarray, events: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """Detections that count up to each event, the event included, in each column: (E, 16) int32."""
    ranks = np.zeros((len(events), 16), np.int32)
    total = np.zeros(16, np.int32)
    position = 0
    for e in range(len(events)):
        while position <= events[e]:
            lane = lanes[images[position]]
            for s in range(16):
                total[s] += lane[s]
            position += 1
        for s in range(16):
            ranks[e, s] = total[s]
    return ranks


@compiled
def _needed(items: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """True positives from which on each recall point is reached, in each column: (S, R + 1) int64."""
    needed = np.full((len(items), len(recalls) + 1), np.iinfo(np.int64).max)
    for s in range(len(items)):
        found = 0
        for r in range(len(recalls)):
            while items[s] > 0 and found / items[s] < recalls[r]:
                found += 1
            needed[s, r] = found
    return needed


@compiled
def _interpolate(
    ranks: np.ndarray,
    weights: np.ndarray,
    true: np.ndarray,
    ignored: np.ndarray,
    images: np.ndarray,
    items: np.ndarray,
    needed: np.ndarray,
    precision: np.ndarray,
    normalized: np.ndarray,
    recall: np.ndarray,
) -> None:
    """Fill one category and threshold of the curves, for every column."""
    columns, points = precision.shape
    found = np.zeros(columns, np.int64)
    skipped = np.zeros(columns, np.int64)
    skipped_anywhere = np.zeros(columns, np.int64)
    point = np.zeros(columns, np.int64)
    best = np.zeros((columns, points))
    best_normalized = np.zeros((columns, points))
    share = items[OVERALL] / items
    for e in range(len(true)):
        weight = weights[e]
        if weight == 0 or (true[e] | ignored[e]) == 0:
            continue
        for s in range(columns):
            if (ignored[e] >> s) & 1:
                skipped_anywhere[s] += weight
                skipped[s] += weight * ((images[e] >> s) & 1)
            elif (true[e] >> s) & 1:
                found[s] += weight
                while found[s] >= needed[s, point[s] + 1]:
                    point[s] += 1
                r = point[s]
                false = float(ranks[e, s] - skipped[s] - found[s])
                best[s, r] = max(best[s, r], found[s] / (false + found[s] + _EPSILON))
                false = float(ranks[e, OVERALL] - skipped_anywhere[s] - found[s])
                scaled = share[s] * found[s]
                best_normalized[s, r] = max(best_normalized[s, r], scaled / (false + scaled + _EPSILON))
    for s in range(columns):
        if items[s] == 0:
            continue
        recall[s] = found[s] / items[s]
        for r in range(points - 1, -1, -1):
            if r < points - 1:
                best[s, r] = max(best[s, r], best[s, r + 1])
                best_normalized[s, r] = max(best_normalized[s, r], best_normalized[s, r + 1])
            precision[s, r] = best[s, r]
            normalized[s, r] = best_normalized[s, r]
