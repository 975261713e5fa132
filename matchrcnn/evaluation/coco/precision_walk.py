"""Precision and recall evaluated at the matched detections only, from the worst to the best.

Between two true positives precision only falls, so that its envelope is known from its values at true positives; the
false positives before one are its rank less what was matched so far. Walked through from the worst detection to the
best, the envelope is the best precision so far.
"""

from typing import NamedTuple, Self

import numpy as np

from matchrcnn.parallel import compiled
from matchrcnn.subsets import ALL_COLUMNS, NUM_COLUMNS, OVERALL

_EPSILON = np.spacing(1)
_ONE = np.int32(1)


class Detections(NamedTuple):
    """A category's detections, the best first, of which E are events: matched at some threshold in some column.

    Attributes:
        images: index of each one's image, (D,) int64.
        events: places of the events, ascending, (E,) int64.
        true, ignored: columns in which an event is a true positive, or matched to an ignored item, (E, T) uint16.
        bits: columns in which an image counts, (I,) uint16.
        weights: how often it counts, (I, B) int16.
    """

    images: np.ndarray
    events: np.ndarray
    true: np.ndarray
    ignored: np.ndarray
    bits: np.ndarray
    weights: np.ndarray


class Recall(NamedTuple):
    """How many true positives each recall point takes.

    Attributes:
        items: ground truths in each column, (S, B) int64.
        needed: true positives that each recall point takes, (S, B, R) int32.
    """

    items: np.ndarray
    needed: np.ndarray


class State(NamedTuple):
    """Counts at the place of the walk; all begin as zeros. TS stands for each threshold's columns, one after another.

    Attributes:
        found: true positives, (TS, B) int32.
        skipped: detections that count nowhere since they are matched to an ignored item, (TS, B) int32.
        unmatched: matched detections that are not matched in this column, (TS, B) int32.
        point: the recall point that is walked to next, (TS, B) int32.
        due: true positives below which it is walked past, (TS, B) int32.
        rank: detections in images that count, (S, B) int32.
        matched: detections that are matched in some column, (T, B) int32.
        best: highest precision so far, (TS, B) float64.
        best_normalized: highest size-normalized precision so far, (TS, B) float64.
    """

    found: np.ndarray
    skipped: np.ndarray
    unmatched: np.ndarray
    point: np.ndarray
    due: np.ndarray
    rank: np.ndarray
    matched: np.ndarray
    best: np.ndarray
    best_normalized: np.ndarray

    @classmethod
    def start(cls, thresholds: int, batch: int) -> Self:
        """Return the state before the first detection."""
        cells = thresholds * NUM_COLUMNS
        counts, rank = np.zeros((5, cells, batch), np.int32), np.zeros((NUM_COLUMNS, batch), np.int32)
        best = np.zeros((2, cells, batch))
        return cls(
            found=counts[0],
            skipped=counts[1],
            unmatched=counts[2],
            point=counts[3],
            due=counts[4],
            rank=rank,
            matched=np.zeros((thresholds, batch), np.int32),
            best=best[0],
            best_normalized=best[1],
        )


class FlatCurves(NamedTuple):
    """The arrays of `precision.Curves` with thresholds and columns as one axis: (TS, R, B), the others (TS, B)."""

    precision: np.ndarray
    normalized: np.ndarray
    mean: np.ndarray
    mean_normalized: np.ndarray
    recall: np.ndarray


@compiled
def items_of(
    category: np.ndarray, wanted: int, columns: np.ndarray, image: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Count the ground truths of a category in each column, (S, B) int64.

    Args:
        category: 0..12 of each item, (G,) int64.
        wanted: the category to count.
        columns: in which each item counts, (G,) uint16.
        image: index of each item's image, (G,) int64.
        weights: how often each image counts, (I, B) int16.
    """
    items = np.zeros((NUM_COLUMNS, weights.shape[1]), np.int64)
    for g in range(len(category)):
        if category[g] == wanted:
            for s in range(NUM_COLUMNS):
                if (columns[g] >> s) & 1:
                    for b in range(weights.shape[1]):
                        items[s, b] += weights[image[g], b]
    return items


@compiled
def needed_hits(items: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """Return the true positives that each recall point takes, (S, B, R) int32.

    Args:
        items: ground truths in each column, (S, B) int64.
        recalls: recall points, (R,) float64.
    """
    columns, batch = items.shape
    needed = np.zeros((columns, batch, len(recalls)), np.int32)
    for s in range(columns):
        for b in range(batch):
            total = items[s, b]
            if total > 0:
                for r in range(len(recalls)):
                    found = max(int(recalls[r] * total) - 1, 0)
                    while found / total < recalls[r]:
                        found += 1
                    needed[s, b, r] = found
    return needed


@compiled
def walk(detections: Detections, recall: Recall, state: State, curves: FlatCurves) -> None:
    """Count a category's detections, then walk from the worst to the best of them, and fill the curves.

    An event that a resample left out (weight 0) repeats the precision of the one before it and changes nothing.
    """
    images, events, true, ignored, bits, weights = detections
    items, needed = recall
    found, skipped, unmatched, point, due, rank, matched, best, best_normalized = state
    precision, normalized, mean, mean_normalized, recalled = curves
    share = items[OVERALL] / items
    position = 0
    for e in range(len(events)):
        while position <= events[e]:
            _rank(rank, bits, weights, images[position], _ONE)
            position += 1
        image = images[events[e]]
        for t in range(len(matched)):
            counting = _match(matched, unmatched, true[e, t], ignored[e, t], bits, weights, image, _ONE, t)
            for s in range(NUM_COLUMNS):
                if (counting >> s) & 1:
                    _count(found if (true[e, t] >> s) & 1 else skipped, weights, image, _ONE, t * NUM_COLUMNS + s)
    _begin(
        Recall(items, needed),
        State(found, skipped, unmatched, point, due, rank, matched, best, best_normalized),
        FlatCurves(precision, normalized, mean, mean_normalized, recalled),
    )
    for e in range(len(events) - 1, -1, -1):
        while position > events[e] + 1:
            position -= 1
            _rank(rank, bits, weights, images[position], -_ONE)
        image = images[events[e]]
        for t in range(len(matched)):
            counting = true[e, t] | (ignored[e, t] & bits[image])
            for s in range(NUM_COLUMNS):
                cell = t * NUM_COLUMNS + s
                if (true[e, t] >> s) & 1:
                    _raise(best, found, rank, skipped, cell, s)
                    _raise_normalized(best_normalized, found, rank, matched, unmatched, share, cell, s, t)
                    if _leave(found, due, weights, image, cell):
                        _keep(
                            found,
                            needed,
                            point,
                            due,
                            best,
                            best_normalized,
                            precision,
                            normalized,
                            mean,
                            mean_normalized,
                            cell,
                            s,
                        )
                elif (counting >> s) & 1:
                    _count(skipped, weights, image, -_ONE, cell)
            _match(matched, unmatched, true[e, t], ignored[e, t], bits, weights, image, -_ONE, t)
    _end(
        Recall(items, needed),
        State(found, skipped, unmatched, point, due, rank, matched, best, best_normalized),
        FlatCurves(precision, normalized, mean, mean_normalized, recalled),
    )


# The steps of each event take whole arrays and a place in them: a view of each would cost more than the step. Given the
# state as one tuple, they take the walk of 3,000 images from 24 to 43 ms, since numba then counts references in the
# loops. That is also why the walk takes its tuples apart and makes them again for the steps outside (else 29 ms).


@compiled
def _rank(rank: np.ndarray, bits: np.ndarray, weights: np.ndarray, image: int, sign: np.int32) -> None:
    """Count a detection in the columns that its image counts in."""
    if rank.shape[1] == 1:
        weight = sign * weights[image, 0]
        for s in range(NUM_COLUMNS):  # without a branch, as the bits cannot be foreseen
            rank[s, 0] += weight * ((bits[image] >> s) & 1)
        return
    for s in range(NUM_COLUMNS):
        if (bits[image] >> s) & 1:
            _count(rank, weights, image, sign, s)


@compiled
def _count(counts: np.ndarray, weights: np.ndarray, image: int, sign: np.int32, place: int) -> None:
    for b in range(counts.shape[1]):
        counts[place, b] += sign * weights[image, b]


@compiled
def _match(
    matched: np.ndarray,
    unmatched: np.ndarray,
    true: np.uint16,
    ignored: np.uint16,
    bits: np.ndarray,
    weights: np.ndarray,
    image: int,
    sign: np.int32,
    t: int,
) -> int:
    """Count a detection that is matched, and the few columns in which it is not.

    Returns:
        Bits of the columns in which it is true, or ignored while its image counts.
    """
    either = true | ignored
    if either:
        _count(matched, weights, image, sign, t)
        if either != ALL_COLUMNS:
            for s in range(NUM_COLUMNS):
                if not (either >> s) & 1:
                    _count(unmatched, weights, image, sign, t * NUM_COLUMNS + s)
    return true | (ignored & bits[image])


@compiled
def _begin(recall: Recall, state: State, curves: FlatCurves) -> None:
    """Fill what is not found, and begin at the last recall point that is reached."""
    cells, batch = state.found.shape
    last = recall.needed.shape[2] - 1
    for cell in range(cells):
        s = cell % NUM_COLUMNS
        for b in range(batch):
            total, found = recall.items[s, b], state.found[cell, b]
            absent = -1.0 if total == 0 else 0.0
            curves.recall[cell, b] = absent if total == 0 else found / total
            curves.mean[cell, b] = curves.mean_normalized[cell, b] = absent
            for r in range(curves.precision.shape[1]):
                curves.precision[cell, r, b] = curves.normalized[cell, r, b] = absent
            if total > 0:
                r = min(found * last // total + 1, last)
                while recall.needed[s, b, r] > found:
                    r -= 1
                state.point[cell, b], state.due[cell, b] = r, recall.needed[s, b, r]


@compiled
def _raise(best: np.ndarray, found: np.ndarray, rank: np.ndarray, skipped: np.ndarray, cell: int, s: int) -> None:
    for b in range(best.shape[1]):
        value = found[cell, b] / (rank[s, b] - skipped[cell, b] + _EPSILON)
        best[cell, b] = value if value > best[cell, b] else best[cell, b]


@compiled
def _raise_normalized(
    best: np.ndarray,
    found: np.ndarray,
    rank: np.ndarray,
    matched: np.ndarray,
    unmatched: np.ndarray,
    share: np.ndarray,
    cell: int,
    s: int,
    t: int,
) -> None:
    for b in range(best.shape[1]):
        scaled = found[cell, b] * share[s, b]
        false = rank[OVERALL, b] - matched[t, b] + unmatched[cell, b]
        value = scaled / (false + scaled + _EPSILON)
        best[cell, b] = value if value > best[cell, b] else best[cell, b]


@compiled
def _leave(found: np.ndarray, due: np.ndarray, weights: np.ndarray, image: int, cell: int) -> bool:
    """Leave a true positive behind; returns whether some resample walked past its recall point."""
    left = 0
    for b in range(found.shape[1]):
        found[cell, b] -= weights[image, b]
        left |= found[cell, b] < due[cell, b]
    return left > 0


@compiled
def _keep(
    found: np.ndarray,
    needed: np.ndarray,
    point: np.ndarray,
    due: np.ndarray,
    best: np.ndarray,
    best_normalized: np.ndarray,
    precision: np.ndarray,
    normalized: np.ndarray,
    mean: np.ndarray,
    mean_normalized: np.ndarray,
    cell: int,
    s: int,
) -> None:
    """Write down the best precision so far at the recall points that were walked past."""
    for b in range(found.shape[1]):
        while found[cell, b] < due[cell, b]:
            r = point[cell, b]
            if precision.shape[1] > 0:
                precision[cell, r, b], normalized[cell, r, b] = best[cell, b], best_normalized[cell, b]
            mean[cell, b] += best[cell, b]
            mean_normalized[cell, b] += best_normalized[cell, b]
            point[cell, b] = r - 1
            due[cell, b] = needed[s, b, r - 1]


@compiled
def _end(recall: Recall, state: State, curves: FlatCurves) -> None:
    """Write down the best precision of all at the recall points that need no item, and take the means."""
    best, normalized, means = state.best, state.best_normalized, (curves.mean, curves.mean_normalized)
    for cell in range(len(curves.mean)):
        for b in range(curves.mean.shape[1]):
            if recall.items[cell % NUM_COLUMNS, b] > 0:
                for r in range(state.point[cell, b] + 1):
                    if curves.precision.shape[1] > 0:
                        curves.precision[cell, r, b], curves.normalized[cell, r, b] = best[cell, b], normalized[cell, b]
                    means[0][cell, b] += best[cell, b]
                    means[1][cell, b] += normalized[cell, b]
                means[0][cell, b] /= recall.needed.shape[2]
                means[1][cell, b] /= recall.needed.shape[2]
