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

    @staticmethod
    def empty(batch: int, thresholds: int = len(THRESHOLDS)) -> "Curves":
        """Room for the curves of `batch` weightings, at the first of the thresholds."""
        shape = (thresholds, NUM_COLUMNS, len(RECALLS), batch)
        return Curves(np.empty(shape), np.empty(shape), np.empty((shape[0], shape[1], batch)))

    def fill(self, scored: Scored, category: int, weights: np.ndarray) -> "Curves":
        """Compute the curves of a category 0..12 when image i counts weights[i, b] times, (I, B) int16."""
        starts, matches = scored.ranking.starts, scored.matches
        first, last = np.searchsorted(matches.position, starts[category : category + 2])
        items = _items(scored.category, category, scored.membership.items, scored.image, weights)
        _walk(
            scored.ranking.image[starts[category] : starts[category + 1]],
            matches.position[first:last] - starts[category],
            matches.true[first:last],
            matches.ignored[first:last],
            scored.membership.images,
            weights,
            items,
            _needed(items, RECALLS),
            self.precision,
            self.normalized,
            self.recall,
        )
        return self


@compiled
def _items(
    category: np.ndarray, wanted: int, columns: np.ndarray, image: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Ground truths of a category in each column, (S, B) int64."""
    items = np.zeros((NUM_COLUMNS, weights.shape[1]), np.int64)
    for g in range(len(category)):
        if category[g] == wanted:
            for s in range(NUM_COLUMNS):
                for b in range(weights.shape[1]):
                    items[s, b] += weights[image[g], b] * ((columns[g] >> s) & 1)
    return items


@compiled
def _needed(items: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """True positives from which on each recall point is reached, and more than there are: (S, R + 1, B) int64."""
    columns, batch = items.shape
    needed = np.full((columns, len(recalls) + 1, batch), np.iinfo(np.int64).max)
    for s in range(columns):
        for r in range(len(recalls)):
            for b in range(batch):
                total = items[s, b]
                if total > 0:
                    found = max(int(recalls[r] * total) - 1, 0)
                    while found / total < recalls[r]:
                        found += 1
                    needed[s, r, b] = found
    return needed


@compiled
def _walk(
    images: np.ndarray,
    events: np.ndarray,
    true: np.ndarray,
    ignored: np.ndarray,
    bits: np.ndarray,
    weights: np.ndarray,
    items: np.ndarray,
    needed: np.ndarray,
    precision: np.ndarray,
    normalized: np.ndarray,
    recall: np.ndarray,
) -> None:
    """Walk once through a category's detections, the best first, and fill the curves of every threshold.

    The best precision between two recall points is kept at the lower one; the envelope is taken at the end. An event
    that a resample left out (weight 0) repeats the precision of the one before it and changes nothing.
    """
    thresholds, columns, _, batch = precision.shape
    rank = np.zeros((columns, batch))
    found, skipped, skipped_anywhere, best, best_normalized = np.zeros((5, thresholds, columns, batch))
    point = np.zeros((thresholds, columns, batch), np.int64)
    due = np.empty((thresholds, columns, batch))
    due[:] = needed[:, 1]
    share = items[OVERALL] / items
    precision[:] = 0
    normalized[:] = 0
    position = 0
    for e in range(len(events)):
        while position <= events[e]:
            image = images[position]
            for s in range(columns):
                if (bits[image] >> s) & 1:
                    for b in range(batch):
                        rank[s, b] += weights[image, b]
            position += 1
        for t in range(thresholds):
            for s in range(columns):
                if (true[e, t] >> s) & 1:
                    if _count(found, due, t, s, weights, image):
                        _keep(best, best_normalized, found, due, point, needed, t, s, precision, normalized)
                    _raise(best, found, rank, skipped, t, s)
                    _raise_normalized(best_normalized, found, rank, skipped_anywhere, share, t, s)
                elif (ignored[e, t] >> s) & 1:
                    _skip(skipped_anywhere, t, s, weights, image)
                    if (bits[image] >> s) & 1:
                        _skip(skipped, t, s, weights, image)
    for t in range(thresholds):
        for s in range(columns):
            for b in range(batch):
                precision[t, s, point[t, s, b], b] = best[t, s, b]
                normalized[t, s, point[t, s, b], b] = best_normalized[t, s, b]
                recall[t, s, b] = found[t, s, b] / items[s, b] if items[s, b] else -1
            _envelope(precision[t, s], items[s])
            _envelope(normalized[t, s], items[s])


# The steps below take whole arrays and the place of one threshold and column in them: a view of each would cost more
# than the step.


@compiled
def _count(found: np.ndarray, due: np.ndarray, t: int, s: int, weights: np.ndarray, image: int) -> bool:
    """Count a true positive; whether a recall point is reached."""
    reached = 0
    for b in range(found.shape[2]):
        found[t, s, b] += weights[image, b]
        reached |= found[t, s, b] >= due[t, s, b]
    return reached > 0


@compiled
def _skip(skipped: np.ndarray, t: int, s: int, weights: np.ndarray, image: int) -> None:
    """Count an ignored detection."""
    for b in range(skipped.shape[2]):
        skipped[t, s, b] += weights[image, b]


@compiled
def _raise(best: np.ndarray, found: np.ndarray, rank: np.ndarray, skipped: np.ndarray, t: int, s: int) -> None:
    for b in range(best.shape[2]):
        value = found[t, s, b] / (rank[s, b] - skipped[t, s, b] + _EPSILON)
        best[t, s, b] = value if value > best[t, s, b] else best[t, s, b]


@compiled
def _raise_normalized(
    best: np.ndarray, found: np.ndarray, rank: np.ndarray, skipped: np.ndarray, share: np.ndarray, t: int, s: int
) -> None:
    for b in range(best.shape[2]):
        scaled = found[t, s, b] * share[s, b]
        false = rank[OVERALL, b] - skipped[t, s, b] - found[t, s, b]
        value = scaled / (false + scaled + _EPSILON)
        best[t, s, b] = value if value > best[t, s, b] else best[t, s, b]


@compiled
def _keep(
    best: np.ndarray,
    best_normalized: np.ndarray,
    found: np.ndarray,
    due: np.ndarray,
    point: np.ndarray,
    needed: np.ndarray,
    t: int,
    s: int,
    precision: np.ndarray,
    normalized: np.ndarray,
) -> None:
    """Write down the best precision up to the recall points that were just reached, and begin anew."""
    for b in range(found.shape[2]):
        if found[t, s, b] >= due[t, s, b]:
            precision[t, s, point[t, s, b], b] = best[t, s, b]
            normalized[t, s, point[t, s, b], b] = best_normalized[t, s, b]
            best[t, s, b] = best_normalized[t, s, b] = 0
            while found[t, s, b] >= due[t, s, b]:
                point[t, s, b] += 1
                due[t, s, b] = needed[s, point[t, s, b] + 1, b]


@compiled
def _envelope(precision: np.ndarray, items: np.ndarray) -> None:
    """Let each recall point have the best precision from there on; -1 where there is nothing to find."""
    for r in range(len(precision) - 2, -1, -1):
        for b in range(len(items)):
            later = precision[r + 1, b]
            precision[r, b] = later if later > precision[r, b] else precision[r, b]
    for b in range(len(items)):
        if items[b] == 0:
            precision[:, b] = -1
