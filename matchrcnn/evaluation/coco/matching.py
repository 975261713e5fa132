"""COCO's greedy matching, done once for all 13 columns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matchrcnn.evaluation.coco.ranking import Groups
from matchrcnn.parallel import compiled
from matchrcnn.subsets import ALL_COLUMNS, NUM_COLUMNS

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's IoU thresholds, (T,) float64."""


@dataclass(frozen=True, eq=False)
class Matches:
    """The detections that are matched at some threshold in some column.

    Attributes:
        position: places in the ranking, ascending, (E,) int64.
        true: columns in which each is a true positive, (E, T) uint16.
        ignored: columns in which each is matched to an ignored ground truth, (E, T) uint16.
    """

    position: np.ndarray
    true: np.ndarray
    ignored: np.ndarray


class Columns(NamedTuple):
    """Columns of each candidate as in `Matches`, while they are filled: (E, T) uint16 both."""

    true: np.ndarray
    ignored: np.ndarray


class Items(NamedTuple):
    """The ground truths of all groups, in the order of `Groups.items`.

    Attributes:
        columns: columns in which each one counts, (n,) uint16.
        shared: whether several detections may match it, as a crowd, (n,) bool.
    """

    columns: np.ndarray
    shared: np.ndarray


def match(groups: Groups, pairs: np.ndarray, items: np.ndarray, crowd: np.ndarray, num_ranked: int) -> Matches:
    """Match detections with ground truths at every threshold, in every column.

    Args:
        groups: what can match.
        pairs: similarity of each pair, in the order of `Groups.pair_starts`, (P,) float64.
        items: columns in which each ground truth counts, (G,) uint16.
        crowd: ground truths that any number of detections may match, (G,) bool; they count in no column.
        num_ranked: D, detections in the ranking.
    """
    candidate = np.zeros(num_ranked, bool)
    _mark_candidates(groups, pairs, THRESHOLDS[0], candidate)
    position = np.flatnonzero(candidate)
    row = np.cumsum(candidate) - 1
    row[~candidate] = -1
    true = np.zeros((len(position), len(THRESHOLDS)), np.uint16)
    ignored = np.zeros_like(true)
    own = Items(items[groups.items], crowd[groups.items])
    _match_groups(groups, pairs, row[groups.positions], own, Columns(true, ignored))
    matched = (true | ignored).any(axis=1)
    return Matches(position[matched], true[matched], ignored[matched])


@compiled
def _mark_candidates(groups: Groups, pairs: np.ndarray, threshold: float, candidate: np.ndarray) -> None:
    """Mark the detections that fit some ground truth, in the ranking's order."""
    pair = 0
    for group in range(len(groups.item_starts) - 1):
        width = groups.item_starts[group + 1] - groups.item_starts[group]
        for d in range(groups.position_starts[group], groups.position_starts[group + 1]):
            for _ in range(width):
                if pairs[pair] >= threshold:
                    candidate[groups.positions[d]] = True
                pair += 1


@compiled
def _match_groups(groups: Groups, pairs: np.ndarray, row: np.ndarray, items: Items, found: Columns) -> None:
    """Match all groups; `row` is in the order of `Groups.positions`.

    A column changes a match only where a detection can choose and the column tells the choices apart.
    """
    for group in range(len(groups.item_starts) - 1):
        rows = row[groups.position_starts[group] : groups.position_starts[group + 1]]
        bits = items.columns[groups.item_starts[group] : groups.item_starts[group + 1]]
        shared = items.shared[groups.item_starts[group] : groups.item_starts[group + 1]]
        fit = pairs[groups.pair_starts[group] : groups.pair_starts[group + 1]]
        some, every = np.uint16(0), ALL_COLUMNS
        for column in bits:
            some |= column
            every &= column
        mixed = some & ~every
        for t in range(len(THRESHOLDS)):
            lone = mixed
            if mixed and not _can_choose(fit, len(bits), THRESHOLDS[t]):
                lone = np.uint16(0)
            alike = np.uint16(ALL_COLUMNS & ~lone)
            _assign(fit, bits, shared, rows, alike, np.uint16(0), t, found)
            for column in range(NUM_COLUMNS):
                bit = np.uint16(1 << column)
                if lone & bit:
                    _assign(fit, bits, shared, rows, bit, bit, t, found)


@compiled
def _can_choose(fit: np.ndarray, width: int, threshold: float) -> bool:
    for first in range(0, len(fit), width):
        choices = 0
        for pair in range(first, first + width):
            choices += fit[pair] >= threshold
        if choices > 1:
            return True
    return False


@compiled
def _assign(
    fit: np.ndarray,
    bits: np.ndarray,
    shared: np.ndarray,
    rows: np.ndarray,
    columns: np.uint16,
    preferred: np.uint16,
    t: int,
    found: Columns,
) -> None:
    """Let each detection, the best first, take the free ground truth that fits it best, and note it for some columns.

    Ground truths with the bit `preferred` are taken before any other; of equal fits the later one is taken.
    A `shared` one stays free.
    """
    threshold = THRESHOLDS[t]
    taken = np.zeros(len(bits), np.bool_)
    for d in range(len(rows)):
        if rows[d] < 0:
            continue
        best, chosen, chosen_preferred = threshold, -1, False
        for g in range(len(bits)):
            value, better = fit[d * len(bits) + g], (bits[g] & preferred) != 0
            if taken[g] or value < threshold or (chosen_preferred and not better):
                continue
            if value >= best or (better and not chosen_preferred):
                best, chosen, chosen_preferred = value, g, better
        if chosen >= 0:
            taken[chosen] = not shared[chosen]
            found.true[rows[d], t] |= bits[chosen] & columns
            found.ignored[rows[d], t] |= ~bits[chosen] & columns
