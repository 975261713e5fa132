"""How well each detection fits each ground truth of its group: IoU of boxes and masks, OKS of landmarks.

Every function returns (P,) float64 in the order of `Groups.pair_starts`: group after group, within a group detection
after detection. The values are bit for bit those of pycocotools.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from matchrcnn.evaluation.coco.ranking import Groups, Ranking
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.evaluation.readers.rle import Masks, read_runs, shared_pixels
from matchrcnn.parallel import compiled, in_threads, slices
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Score
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_LANDMARKS, SIGMAS

Similarity = Callable[[GroundTruth, Results, Ranking, Groups], np.ndarray]
_BLOCK = 1 << 21  # numbers that are worked on together
_LEAST_GROUPS = 64  # fewer are not worth a thread
_VARIANCES = np.array(
    [np.pad((category.sigmas * 2) ** 2, (0, MAX_LANDMARKS - category.count)) for category in CATEGORIES]
)


def box_iou(truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """Return the IoU of boxes, (P,) float64; with a crowd item, the part of the detection that is inside the item."""
    boxes = results.boxes(ranking.detection[groups.positions])
    return box_pairs(boxes, truth.boxes[groups.items], truth.crowd[groups.items], groups)


def mask_iou(truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """Return the IoU of masks, (P,) float64; with a crowd item, the part of the detection that is inside the item."""
    detected, true = results.masks(ranking.detection[groups.positions]), truth.masks(groups.items)
    pairs, crowd = np.zeros(groups.pair_starts[-1]), truth.crowd[groups.items]

    def compare(chosen: slice) -> None:
        last = min(chosen.stop, len(groups.pair_starts) - 1)
        _mask_pairs(detected, true, crowd, groups, chosen.start, last, pairs)

    in_threads(compare, slices(len(groups.pair_starts) - 1, _LEAST_GROUPS))
    return pairs


@compiled
def _mask_pairs(
    detected: Masks, true: Masks, crowd: np.ndarray, groups: Groups, first: int, last: int, pairs: np.ndarray
) -> None:
    for group in range(first, last):
        items = range(groups.item_starts[group], groups.item_starts[group + 1])
        room = true.start[items.start]
        runs = np.empty(true.stop[items.stop - 1] - room, np.int64)
        counts, areas = np.empty(len(items), np.int64), np.empty(len(items), np.int64)
        for g in items:
            own = runs[true.start[g] - room : true.stop[g] - room]
            counts[g - items.start] = read_runs(true.text, true.start[g], true.stop[g], False, own)
            areas[g - items.start] = own[1 : counts[g - items.start] : 2].sum()
        pair = groups.pair_starts[group]
        for d in range(groups.position_starts[group], groups.position_starts[group + 1]):
            found = np.empty(detected.stop[d] - detected.start[d], np.int64)
            found = found[: read_runs(detected.text, detected.start[d], detected.stop[d], detected.escaped, found)]
            area = found[1::2].sum()
            for g in items:
                one = g - items.start
                shared = shared_pixels(found, runs[true.start[g] - room :][: counts[one]])
                if shared > 0:
                    pairs[pair] = shared / (area if crowd[g] else area + areas[one] - shared)
                pair += 1


def landmark_oks(least: int, truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """Return OKS over landmarks whose visibility is at least `least` (2: visible, 1: and occluded ones), (P,) float64.

    A ground truth without any is ignored in every column, but takes detections from others: by the official rule it is
    compared with all 294 landmarks of a detection, by how far these lie outside its doubled box.
    """
    detected, true = pair_places(groups)
    detections, items = ranking.detection[groups.positions], groups.items
    landmarks, areas = truth.landmarks[items], truth.areas[items] + np.spacing(1)
    count = (landmarks[:, :, 2] >= least).sum(axis=1)
    pairs = np.empty(len(detected))
    bare = count[true] == 0
    for rows in _blocks(np.flatnonzero(bare), _BLOCK // NUM_LANDMARKS):
        chosen = items[true[rows]]
        pairs[rows] = _bare_oks(
            results.all_landmarks(detections[detected[rows]]), truth.boxes[chosen], areas[true[rows]]
        )
    points = results.landmarks(detections)
    variances = _VARIANCES[truth.category[items]]
    for rows in _blocks(np.flatnonzero(~bare), _BLOCK // MAX_LANDMARKS):
        chosen = detected[rows], true[rows]
        scaled = _distances(points, landmarks, variances, areas, least, *chosen)
        pairs[rows] = _sums(np.exp(-scaled), count[chosen[1]]) / count[chosen[1]]
    return pairs


def _blocks(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return np.array_split(rows, len(rows) // size + 1)


def _bare_oks(points: np.ndarray, boxes: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """OKS of landmarks (n, 294, 2) with ground truths that have only a box (n, 4)."""
    corner, size = boxes[:, None, :2], boxes[:, None, 2:]
    outside = np.maximum(0, corner - size - points) + np.maximum(0, points - (corner + size * 2))
    squared = outside[..., 0] ** 2 + outside[..., 1] ** 2
    return np.exp(-(squared / (SIGMAS * 2) ** 2 / areas[:, None] / 2)).sum(axis=1) / NUM_LANDMARKS


@compiled
def pair_places(groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Return which detection and which ground truth each pair is made of, as places in `Groups`: (P,) int32 both."""
    detected, true = np.empty(groups.pair_starts[-1], np.int32), np.empty(groups.pair_starts[-1], np.int32)
    pair = 0
    for group in range(len(groups.pair_starts) - 1):
        for d in range(groups.position_starts[group], groups.position_starts[group + 1]):
            for g in range(groups.item_starts[group], groups.item_starts[group + 1]):
                detected[pair], true[pair] = d, g
                pair += 1
    return detected, true


@compiled
def _distances(
    points: np.ndarray,
    landmarks: np.ndarray,
    variances: np.ndarray,
    areas: np.ndarray,
    least: int,
    detected: np.ndarray,
    true: np.ndarray,
) -> np.ndarray:
    """Squared distances in units of the landmark's spread, of the labelled landmarks first: (pairs, 39) float64."""
    scaled = np.zeros((len(true), points.shape[1]))
    for row in range(len(true)):
        d, g = detected[row], true[row]
        column = 0
        for k in range(points.shape[1]):
            if landmarks[g, k, 2] >= least:
                x, y = points[d, k, 0] - landmarks[g, k, 0], points[d, k, 1] - landmarks[g, k, 1]
                scaled[row, column] = (x * x + y * y) / variances[g, k] / areas[g] / 2
                column += 1
    return scaled


@compiled
def _sums(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sum the first `counts` values of each row, in the order in which NumPy adds them: eight sums at a time."""
    sums = np.zeros(len(counts))
    for row in range(len(counts)):
        eights = counts[row] - counts[row] % 8
        if eights:
            part = values[row, :8].copy()
            for k in range(8, eights):
                part[k % 8] += values[row, k]
            sums[row] = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
        for k in range(eights, counts[row]):
            sums[row] += values[row, k]
    return sums


@compiled
def box_pairs(detected: np.ndarray, true: np.ndarray, crowd: np.ndarray, groups: Groups) -> np.ndarray:
    """Return the IoU of boxes, (P,) float64.

    Args:
        detected: xywh in the order of `Groups.positions`, (m, 4) float64.
        true: xywh in the order of `Groups.items`, (n, 4) float64.
        crowd: which of these are crowd items, (n,) bool: the denominator is the area of the detection alone.
        groups: what is compared.
    """
    pairs = np.zeros(groups.pair_starts[-1])
    for group in range(len(groups.pair_starts) - 1):
        pair = groups.pair_starts[group]
        for d in range(groups.position_starts[group], groups.position_starts[group + 1]):
            x, y, width, height = detected[d, 0], detected[d, 1], detected[d, 2], detected[d, 3]
            for g in range(groups.item_starts[group], groups.item_starts[group + 1]):
                wide = min(width + x, true[g, 2] + true[g, 0]) - max(x, true[g, 0])
                high = min(height + y, true[g, 3] + true[g, 1]) - max(y, true[g, 1])
                if wide > 0 and high > 0:
                    shared = wide * high
                    area = width * height
                    pairs[pair] = shared / (area if crowd[g] else area + true[g, 2] * true[g, 3] - shared)
                pair += 1
    return pairs


SIMILARITIES: dict[Score, Similarity] = {
    **dict.fromkeys(BOXES.scores, box_iou),
    **dict.fromkeys(MASKS.scores, mask_iou),
    **{score: partial(landmark_oks, score.least_visibility) for score in LANDMARKS.scores},
}
"""How well a detection fits a ground truth, for every score of detections."""
