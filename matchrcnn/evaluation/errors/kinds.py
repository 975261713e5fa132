"""What kind of error each detection is, after TIDE (Bolya et al., 2020), and the confusion of categories."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from matchrcnn.evaluation.coco.ranking import Groups
from matchrcnn.parallel import compiled
from matchrcnn.taxonomy import NUM_CATEGORIES

FITS, TOUCHES = 0.5, 0.1
"""IoU from which on a detection fits an item, and from which on it touches one."""

CONFIDENT = 0.5
"""Score from which on a detection counts in the confusion matrix."""


class Kind(IntEnum):
    """What a detection is; the first that applies.

    RIGHT: matched to an item of its category. DUPLICATE: fits an item of its category that a better one took.
    WRONG_CLASS: fits an item of another category. BAD_LOCALISATION: touches an item of its category.
    BOTH: touches an item of another category. BACKGROUND: touches no item.
    """

    RIGHT = 0
    DUPLICATE = 1
    WRONG_CLASS = 2
    BAD_LOCALISATION = 3
    BOTH = 4
    BACKGROUND = 5


MISSED = "missed"
KINDS = (*(kind.name.lower() for kind in tuple(Kind)[1:]), MISSED)
"""Kinds of error by their keys in diagnosis.json: of detections, in the order in which they apply, and of items."""


@dataclass(frozen=True, eq=False)
class Errors:
    """What became of detections and items.

    Attributes:
        kind: `Kind` of each ranked detection, (N,) int8.
        item: the ground truth that makes it so, -1 for BACKGROUND, (N,) int64.
        found: items that a detection of their category was matched to, (G,) bool.
    """

    kind: np.ndarray
    item: np.ndarray
    found: np.ndarray


def find_errors(groups: Groups, pairs: np.ndarray, category: np.ndarray, item_category: np.ndarray) -> Errors:
    """Tell the kinds of error apart.

    Args:
        groups: detections and items of each image, whatever their categories.
        pairs: IoU of each pair, in the order of `Groups.pair_starts`.
        category: of each ranked detection, (N,) int64.
        item_category: of each ground truth, (G,) int64.
    """
    kind = np.full(len(category), Kind.BACKGROUND, np.int8)
    item = np.full(len(category), -1)
    found = np.zeros(len(item_category), bool)
    _find(
        groups.positions,
        groups.position_starts,
        groups.items,
        groups.item_starts,
        pairs,
        category,
        item_category,
        kind,
        item,
        found,
    )
    return Errors(kind, item, found)


@compiled
def _find(
    positions: np.ndarray,
    position_starts: np.ndarray,
    items: np.ndarray,
    item_starts: np.ndarray,
    pairs: np.ndarray,
    category: np.ndarray,
    item_category: np.ndarray,
    kind: np.ndarray,
    item: np.ndarray,
    found: np.ndarray,
) -> None:
    pair = 0
    for group in range(len(item_starts) - 1):
        first, last = item_starts[group], item_starts[group + 1]
        for d in range(position_starts[group], position_starts[group + 1]):
            position = positions[d]
            free, own, other = FITS, 0.0, 0.0
            free_item, own_item, other_item = -1, -1, -1
            for g in range(first, last):
                overlap = pairs[pair]
                pair += 1
                if item_category[items[g]] != category[position]:
                    if overlap > other:
                        other, other_item = overlap, items[g]
                    continue
                if overlap > own:
                    own, own_item = overlap, items[g]
                if overlap >= free and not found[items[g]]:
                    free, free_item = overlap, items[g]
            if free_item >= 0:
                found[free_item] = True
                kind[position], item[position] = 0, free_item
            elif own >= FITS:
                kind[position], item[position] = 1, own_item
            elif other >= FITS:
                kind[position], item[position] = 2, other_item
            elif own >= TOUCHES:
                kind[position], item[position] = 3, own_item
            elif other >= TOUCHES:
                kind[position], item[position] = 4, other_item


def confusion(
    groups: Groups, pairs: np.ndarray, category: np.ndarray, score: np.ndarray, item_category: np.ndarray
) -> np.ndarray:
    """How often items of one category are found as another, (14, 14) int64.

    In each image the confident detections, the best first, take the free item that they fit best, whatever its
    category. Rows are true categories and at last detections of no item, columns predicted ones and at last missed
    items.
    """
    counts = np.zeros((NUM_CATEGORIES + 1, NUM_CATEGORIES + 1), np.int64)
    taken = np.zeros(len(item_category), bool)
    unmatched = score >= CONFIDENT
    group = np.repeat(np.arange(len(groups.position_starts) - 1), np.diff(groups.position_starts))
    order = np.lexsort((-score[groups.positions], group)) - groups.position_starts[group]
    starts = groups.position_starts, groups.item_starts
    _confuse(groups.positions, groups.items, *starts, pairs, order, category, item_category, counts, taken, unmatched)
    counts[-1, :-1] = np.bincount(category[unmatched], minlength=NUM_CATEGORIES)
    counts[:-1, -1] = np.bincount(item_category[~taken], minlength=NUM_CATEGORIES)
    return counts


@compiled
def _confuse(
    positions: np.ndarray,
    items: np.ndarray,
    position_starts: np.ndarray,
    item_starts: np.ndarray,
    pairs: np.ndarray,
    order: np.ndarray,
    category: np.ndarray,
    item_category: np.ndarray,
    counts: np.ndarray,
    taken: np.ndarray,
    unmatched: np.ndarray,
) -> None:
    pair = 0
    for group in range(len(item_starts) - 1):
        start, stop = position_starts[group], position_starts[group + 1]
        first, width = item_starts[group], item_starts[group + 1] - item_starts[group]
        for row in order[start:stop]:
            position = positions[start + row]
            if not unmatched[position]:
                break
            best, chosen = FITS, -1
            for g in range(width):
                overlap = pairs[pair + row * width + g]
                if overlap >= best and not taken[items[first + g]]:
                    best, chosen = overlap, items[first + g]
            if chosen >= 0:
                counts[item_category[chosen], category[position]] += 1
                taken[chosen] = True
                unmatched[position] = False
        pair += (stop - start) * width
