"""What kind of error each detection is, after TIDE (Bolya et al., 2020), and the confusion of categories."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from matchrcnn.evaluation.coco.ranking import Groups
from matchrcnn.parallel import compiled
from matchrcnn.taxonomy import NUM_CATEGORIES

FITS, TOUCHES = 0.5, 0.1
"""Least IoU of a detection that fits an item, and of one that touches it."""

CONFIDENT = 0.5
"""Least score of a detection that counts in the confusion matrix."""


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


class Errors(NamedTuple):
    """What became of detections and items.

    Attributes:
        kind: `Kind` of each ranked detection, (D,) int8.
        item: the ground truth that makes it so, -1 for BACKGROUND, (D,) int64.
        overlap: similarity with that item, 0 for BACKGROUND, (D,) float64.
        found: items that a detection of their category was matched to, (G,) bool.
    """

    kind: np.ndarray
    item: np.ndarray
    overlap: np.ndarray
    found: np.ndarray


def find_errors(groups: Groups, pairs: np.ndarray, category: np.ndarray, item_category: np.ndarray) -> Errors:
    """Tell the kinds of error apart.

    Args:
        groups: detections and items of each image, whatever their categories.
        pairs: similarity of each pair, in the order of `Groups.pair_starts`, (P,) float64.
        category: of each ranked detection, (D,) int64.
        item_category: of each ground truth, (G,) int64.
    """
    errors = Errors(
        kind=np.full(len(category), Kind.BACKGROUND, np.int8),
        item=np.full(len(category), -1),
        overlap=np.zeros(len(category)),
        found=np.zeros(len(item_category), bool),
    )
    _find(groups, pairs, category, item_category, errors)
    return errors


def missed(errors: Errors, counted: np.ndarray | None = None) -> np.ndarray:
    """Return which items nothing explains, (G,) bool: they are not found, and no near detection belongs to them.

    Near detections are of kind WRONG_CLASS or BAD_LOCALISATION.

    Args:
        errors: of all detections.
        counted: detections that count, (D,) bool, with each one all of higher score in its category; None: all.
    """
    explains = np.isin(errors.kind, (Kind.RIGHT, Kind.WRONG_CLASS, Kind.BAD_LOCALISATION))
    if counted is not None:
        explains &= counted
    left = np.ones(len(errors.found), bool)
    left[errors.item[explains]] = False
    return left


@compiled
def _find(groups: Groups, pairs: np.ndarray, category: np.ndarray, item_category: np.ndarray, errors: Errors) -> None:
    pair = 0
    for group in range(len(groups.item_starts) - 1):
        first, last = groups.item_starts[group], groups.item_starts[group + 1]
        for d in range(groups.position_starts[group], groups.position_starts[group + 1]):
            position = groups.positions[d]
            free, own, other = FITS, 0.0, 0.0
            free_item, own_item, other_item = -1, -1, -1
            for g in range(first, last):
                item, overlap = groups.items[g], pairs[pair]
                pair += 1
                if item_category[item] != category[position]:
                    if overlap > other:
                        other, other_item = overlap, item
                    continue
                if overlap > own:
                    own, own_item = overlap, item
                if overlap >= free and not errors.found[item]:
                    free, free_item = overlap, item
            if free_item >= 0:
                errors.found[free_item] = True
                _note(errors, position, 0, free_item, free)
            elif own >= FITS:
                _note(errors, position, 1, own_item, own)
            elif other >= FITS:
                _note(errors, position, 2, other_item, other)
            elif own >= TOUCHES:
                _note(errors, position, 3, own_item, own)
            elif other >= TOUCHES:
                _note(errors, position, 4, other_item, other)


@compiled
def _note(errors: Errors, position: int, kind: int, item: int, overlap: float) -> None:
    errors.kind[position], errors.item[position], errors.overlap[position] = kind, item, overlap


class Choice(NamedTuple):
    """State of the confusion matrix while detections choose items.

    Attributes:
        counts: rows true categories, columns predicted ones, (14, 14) int64.
        taken: items that a detection took, (G,) bool.
        unmatched: confident detections that took none, (D,) bool.
    """

    counts: np.ndarray
    taken: np.ndarray
    unmatched: np.ndarray


def confusion(
    groups: Groups, pairs: np.ndarray, category: np.ndarray, score: np.ndarray, item_category: np.ndarray
) -> np.ndarray:
    """Count how often items of one category are found as another, (14, 14) int64.

    In each image the confident detections, the best first, take the free item that they fit best, whatever its
    category. Rows are true categories and at last detections of no item, columns predicted ones and at last missed
    items. Arguments are those of `find_errors`, and `score` of each ranked detection, (D,) float64.
    """
    choice = Choice(
        counts=np.zeros((NUM_CATEGORIES + 1, NUM_CATEGORIES + 1), np.int64),
        taken=np.zeros(len(item_category), bool),
        unmatched=score >= CONFIDENT,
    )
    group = np.repeat(np.arange(len(groups.position_starts) - 1), np.diff(groups.position_starts))
    order = np.lexsort((-score[groups.positions], group)) - groups.position_starts[group]
    _confuse(groups, pairs, order, category, item_category, choice)
    choice.counts[-1, :-1] = np.bincount(category[choice.unmatched], minlength=NUM_CATEGORIES)
    choice.counts[:-1, -1] = np.bincount(item_category[~choice.taken], minlength=NUM_CATEGORIES)
    return choice.counts


@compiled
def _confuse(
    groups: Groups,
    pairs: np.ndarray,
    order: np.ndarray,
    category: np.ndarray,
    item_category: np.ndarray,
    choice: Choice,
) -> None:
    pair = 0
    for group in range(len(groups.item_starts) - 1):
        start, stop = groups.position_starts[group], groups.position_starts[group + 1]
        first, width = groups.item_starts[group], groups.item_starts[group + 1] - groups.item_starts[group]
        for row in order[start:stop]:
            position = groups.positions[start + row]
            if not choice.unmatched[position]:
                break
            best, chosen = FITS, -1
            for g in range(width):
                overlap = pairs[pair + row * width + g]
                if overlap >= best and not choice.taken[groups.items[first + g]]:
                    best, chosen = overlap, groups.items[first + g]
            if chosen >= 0:
                choice.counts[item_category[chosen], category[position]] += 1
                choice.taken[chosen] = True
                choice.unmatched[position] = False
        pair += (stop - start) * width
