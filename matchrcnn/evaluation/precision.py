"""COCO's interpolated precision and recall, evaluated at the matched detections only, for many weightings at once.

Between two true positives precision only falls, so that its envelope is known from its values at true positives; the
false positives before one are its rank less what was matched so far. A weight says how often an image counts: 1 for the
split as it is, a resample's multiplicities for the bootstrap, where a batch of resamples shares the walk.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.evaluation.compiled import compiled
from matchrcnn.evaluation.matching import THRESHOLDS, Matches
from matchrcnn.evaluation.ranking import Ranking
from matchrcnn.evaluation.subsets import NUM_COLUMNS, OVERALL, Membership

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points, (101,) float64."""

_EPSILON = np.spacing(1)


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
        precision: (T, S, R, B) float64.
        normalized: the same with k w / (k w + fp) for precision, where k true positives and the fp false positives of
            all images are found, and w is the category's items overall over those of the column.
        recall: (T, S, B) float64.
    """

    precision: np.ndarray
    normalized: np.ndarray
    recall: np.ndarray


def category_curves(scored: Scored, category: int, weights: np.ndarray) -> Curves:
    """Precision and recall of a category 0..12 when image i counts weights[i, b] times, (I, B) int16."""
    starts, matches = scored.ranking.starts, scored.matches
    images = scored.ranking.image[starts[category] : starts[category + 1]]
    first, last = np.searchsorted(matches.position, starts[category : category + 2])
    events = matches.position[first:last] - starts[category]
    items = _count_items(scored, category, weights)
    shape = (len(THRESHOLDS), NUM_COLUMNS, len(RECALLS), weights.shape[1])
    precision, normalized = np.empty(shape), np.empty(shape)
    recall = np.empty((shape[0], shape[1], shape[3]))
    ranks, needed = _ranks(images, events, scored.membership.images, weights), _needed(items, RECALLS)
    event_images = images[events]
    bits = scored.membership.images[event_images]
    for t in range(len(THRESHOLDS)):
        true, ignored = matches.true[t, first:last], matches.ignored[t, first:last]
        out = precision[t], normalized[t], recall[t]
        _interpolate(ranks, event_images, bits, weights, true, ignored, items, needed, *out)
    return Curves(precision, normalized, recall)


def _count_items(scored: Scored, category: int, weights: np.ndarray) -> np.ndarray:
    """Ground truths of a category in each column, (S, B) int64."""
    chosen = np.flatnonzero(scored.category == category)
    member = (scored.membership.items[chosen] >> np.arange(NUM_COLUMNS)[:, None]) & 1
    return (member.astype(np.float64) @ weights[scored.image[chosen]].astype(np.float64)).astype(np.int64)


@compiled
def _ranks(images: np.ndarray, events: np.ndarray, bits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Detections that count up to each event, the event included, in each column: (E, S, B) int32."""
    total = np.zeros((NUM_COLUMNS, weights.shape[1]), np.int32)
    ranks = np.empty((len(events), NUM_COLUMNS, weights.shape[1]), np.int32)
    position = 0
    for e in range(len(events)):
        while position <= events[e]:
            image = images[position]
            for s in range(NUM_COLUMNS):
                if (bits[image] >> s) & 1:
                    for b in range(weights.shape[1]):
                        total[s, b] += weights[image, b]
            position += 1
        ranks[e] = total
    return ranks


@compiled
def _needed(items: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """True positives from which on each recall point is reached: (S, R, B) int64."""
    columns, batch = items.shape
    needed = np.zeros((columns, len(recalls), batch), np.int64)
    for s in range(columns):
        for r in range(len(recalls)):
            for b in range(batch):
                total = items[s, b]
                if total > 0:
                    found = max(np.int64(recalls[r] * total) - 1, 0)
                    while found / total < recalls[r]:
                        found += 1
                    needed[s, r, b] = found
    return needed


@compiled
def _interpolate(
    ranks: np.ndarray,
    images: np.ndarray,
    bits: np.ndarray,
    weights: np.ndarray,
    true: np.ndarray,
    ignored: np.ndarray,
    items: np.ndarray,
    needed: np.ndarray,
    precision: np.ndarray,
    normalized: np.ndarray,
    recall: np.ndarray,
) -> None:
    """Fill the curves of one threshold, walking from the last event to the first with the envelope so far.

    An event that a resample left out (weight 0) repeats the precision of the one before it and changes nothing.
    """
    columns, points, batch = precision.shape
    found, skipped, skipped_anywhere = _totals(images, bits, weights, true, ignored)
    best, best_normalized = np.zeros((columns, batch)), np.zeros((columns, batch))
    share = items[OVERALL] / items
    point = np.full((columns, batch), points - 1)
    precision[:] = 0
    normalized[:] = 0
    for s in range(columns):
        for b in range(batch):
            recall[s, b] = found[s, b] / items[s, b] if items[s, b] else -1
            while needed[s, point[s, b], b] > found[s, b]:
                point[s, b] -= 1
    due = np.empty((columns, batch))
    for s in range(columns):
        for b in range(batch):
            due[s, b] = needed[s, point[s, b], b]
    for e in range(len(true) - 1, -1, -1):
        weight = weights[images[e]]
        for s in range(columns):
            if (true[e] >> s) & 1:
                passed = False
                for b in range(batch):
                    counted = ranks[e, s, b] - skipped[s, b]
                    best[s, b] = max(best[s, b], found[s, b] / (counted + _EPSILON))
                    false = ranks[e, OVERALL, b] - skipped_anywhere[s, b] - found[s, b]
                    scaled = found[s, b] * share[s, b]
                    best_normalized[s, b] = max(best_normalized[s, b], scaled / (false + scaled + _EPSILON))
                    found[s, b] -= weight[b]
                    passed |= due[s, b] > found[s, b]
                if passed:
                    for b in range(batch):
                        while due[s, b] > found[s, b]:
                            precision[s, point[s, b], b] = best[s, b]
                            normalized[s, point[s, b], b] = best_normalized[s, b]
                            point[s, b] -= 1
                            due[s, b] = needed[s, point[s, b], b]
            elif (ignored[e] >> s) & 1:
                inside = (bits[e] >> s) & 1
                for b in range(batch):
                    skipped_anywhere[s, b] -= weight[b]
                    skipped[s, b] -= inside * weight[b]
    precision[:, 0] = best
    normalized[:, 0] = best_normalized
    for s in range(columns):
        for b in range(batch):
            if items[s, b] == 0:
                precision[s, :, b] = -1
                normalized[s, :, b] = -1


@compiled
def _totals(
    images: np.ndarray, bits: np.ndarray, weights: np.ndarray, true: np.ndarray, ignored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detections that are true; ignored in an image of the column; ignored anywhere: (S, B) float64 each."""
    shape = (NUM_COLUMNS, weights.shape[1])
    found, skipped, skipped_anywhere = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for e in range(len(true)):
        for s in range(NUM_COLUMNS):
            is_true, is_ignored = (true[e] >> s) & 1, (ignored[e] >> s) & 1
            inside = is_ignored & (bits[e] >> s)
            if is_true | is_ignored:
                for b in range(shape[1]):
                    weight = weights[images[e], b]
                    found[s, b] += is_true * weight
                    skipped[s, b] += inside * weight
                    skipped_anywhere[s, b] += is_ignored * weight
    return found, skipped, skipped_anywhere
