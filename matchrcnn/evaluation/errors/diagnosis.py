"""What costs the AP: how much AP50 would rise if one kind of error were fixed and all else stayed.

Fixing a wrong class or a bad localisation lets the best such detection of an item that was not found find it, and
removes the others; fixing any other kind removes its detections; fixing the missed removes the items that were not
found and that no detection of these two kinds belongs to.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from matchrcnn.evaluation.coco.matching import Matches
from matchrcnn.evaluation.coco.metrics import ap50, nested
from matchrcnn.evaluation.coco.precision import Curves, Scored
from matchrcnn.evaluation.coco.ranking import Ranking, group_by_image
from matchrcnn.evaluation.coco.similarity import SIMILARITIES
from matchrcnn.evaluation.errors.kinds import (
    CONFIDENT,
    FITS,
    MISSED,
    TOUCHES,
    Errors,
    Kind,
    confusion,
    find_errors,
    missed,
)
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.evaluation.scoring import Evaluation
from matchrcnn.subsets import ALL_COLUMNS, NUM_COLUMNS, OVERALL, Membership
from matchrcnn.taxonomy import CATEGORY_NAMES, NUM_CATEGORIES

DEFINITION = {
    "after": "TIDE (Bolya et al., 2020), at IoU 0.5; each error is the first kind that applies",
    "duplicate": f"IoU >= {FITS} with an item of its category that a detection of higher score took",
    "wrong_class": f"IoU >= {FITS} with an item of another category",
    "bad_localisation": f"{TOUCHES} <= IoU < {FITS} with an item of its category",
    "both": f"{TOUCHES} <= IoU < {FITS} with an item of another category",
    "background": f"IoU < {TOUCHES} with every item",
    "missed": "an item that is not found, and that no wrong_class or bad_localisation detection belongs to",
    "cost": "AP50 with this kind of error fixed, less AP50",
    "confusion": f"detections of score >= {CONFIDENT}, best first, take the free item of highest IoU >= {FITS}",
}
_KINDS = tuple(Kind)[1:]


def diagnose(truth: GroundTruth, results: Results, found: Evaluation) -> dict[str, Any]:
    """Tell the errors of boxes or masks in every cell, and the confusion matrix.

    Returns:
        `definition`; `confusion` {labels, matrix: rows true, columns predicted, the last ones nothing}; and in the
        nesting of metrics.json {AP50, errors: {kind: {count, cost}}}, None for a cell without ground truth.
    """
    ranking = found.scored.ranking
    groups = group_by_image(truth, ranking)
    pairs = SIMILARITIES[found.score](truth, results, ranking, groups)
    errors = find_errors(groups, pairs, ranking.category, truth.category)
    score = results.score[ranking.detection]
    matrix = confusion(groups, pairs, ranking.category, score, truth.category)
    return {
        "definition": DEFINITION,
        "confusion": {"labels": [*CATEGORY_NAMES, "nothing"], "matrix": matrix.tolist()},
        **_cells(found.scored, errors, score, truth),
    }


def _cells(scored: Scored, errors: Errors, score: np.ndarray, truth: GroundTruth) -> dict[str, Any]:
    base = _ap50(scored)
    fixed = {kind.name.lower(): _ap50(_without(scored, errors, score, truth, kind)) for kind in _KINDS}
    lost = missed(errors)
    fixed[MISSED] = _ap50(replace(scored, membership=_without_items(scored.membership, lost)))
    counts = {kind.name.lower(): _counts(scored, errors.kind == kind) for kind in _KINDS}
    counts[MISSED] = _item_counts(scored, lost)

    def leaf(cell: int) -> dict[str, Any] | None:
        if np.isnan(base[cell]):
            return None
        rises = {kind: 0.0 if np.isnan(ap50[cell]) else float(ap50[cell] - base[cell]) for kind, ap50 in fixed.items()}
        kinds = {kind: {"count": int(counts[kind][cell]), "cost": rise} for kind, rise in rises.items()}
        return {"AP50": float(base[cell]), "errors": kinds}

    return nested(leaf)


def _ap50(scored: Scored) -> np.ndarray:
    """AP50 of all cells, (26,) float64."""
    once = np.ones((len(scored.membership.images), 1), np.int16)
    return ap50(Curves.empty(1, 1).fill(scored, k, once) for k in range(NUM_CATEGORIES))[0]


def _without(scored: Scored, errors: Errors, score: np.ndarray, truth: GroundTruth, kind: Kind) -> Scored:
    """The detections with one kind of error fixed: gone, or right."""
    wrong = errors.kind == kind
    true, ignored = _bits(scored, len(score))
    ignored[wrong] = ALL_COLUMNS & ~true[wrong]
    category = scored.ranking.category
    if kind in (Kind.WRONG_CLASS, Kind.BAD_LOCALISATION):
        winners = _winners(errors, wrong, score)
        items = errors.item[winners]
        true[winners] = scored.membership.items[items]
        ignored[winners] = ~true[winners]
        category[winners] = truth.category[items]
    order = np.lexsort((-score, category))
    ranking = Ranking(
        scored.ranking.detection[order],
        scored.ranking.image[order],
        np.searchsorted(category[order], np.arange(NUM_CATEGORIES + 1)),
    )
    position = np.flatnonzero((true | ignored)[order])
    matches = Matches(position, true[order][position, None], ignored[order][position, None])
    return replace(scored, ranking=ranking, matches=matches)


def _bits(scored: Scored, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns in which each ranked detection is true, and ignored, at IoU 0.5: (D,) uint16 each."""
    true, ignored = np.zeros((2, count), np.uint16)
    true[scored.matches.position] = scored.matches.true[:, 0]
    ignored[scored.matches.position] = scored.matches.ignored[:, 0]
    return true, ignored


def _winners(errors: Errors, wrong: np.ndarray, score: np.ndarray) -> np.ndarray:
    """For each item that was not found, the best of the wrong detections that belong to it."""
    candidates = np.flatnonzero(wrong)
    candidates = candidates[~errors.found[errors.item[candidates]]]
    candidates = candidates[np.argsort(-score[candidates], kind="stable")]
    _, first = np.unique(errors.item[candidates], return_index=True)
    return candidates[first]


def _without_items(membership: Membership, gone: np.ndarray) -> Membership:
    return Membership(np.where(gone, np.uint16(0), membership.items), membership.images)


def _counts(scored: Scored, chosen: np.ndarray) -> np.ndarray:
    """Chosen detections in each cell, (26,) int64."""
    images = scored.membership.images[scored.ranking.image[chosen]]
    return _by_cell(images, scored.ranking.category[chosen])


def _item_counts(scored: Scored, chosen: np.ndarray) -> np.ndarray:
    return _by_cell(scored.membership.items[chosen], scored.category[chosen])


def _by_cell(bits: np.ndarray, category: np.ndarray) -> np.ndarray:
    columns = [np.count_nonzero((bits >> column) & 1) for column in range(NUM_COLUMNS)]
    overall = category[((bits >> OVERALL) & 1).astype(bool)]
    return np.concatenate([columns, np.bincount(overall, minlength=NUM_CATEGORIES)])
