"""How well detections and items of any two categories fit each other: what the kinds of error are told by."""

import numpy as np

from matchrcnn.evaluation.coco.ranking import Groups, Ranking
from matchrcnn.evaluation.coco.similarity import Similarity, box_iou, box_pairs, landmark_oks, mask_iou, pair_places
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS

_COUNTS = np.array([category.count for category in CATEGORIES])


def landmark_overlap(truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """Return OKS over the labelled landmarks, occluded ones too, of pairs of one category, (P,) float64.

    Two categories share no landmark: between them it is the IoU of the extents of their landmarks. An item without
    labelled landmarks overlaps nothing.
    """
    detected, true = pair_places(groups)
    detections, items = ranking.detection[groups.positions], groups.items
    category = results.category[detections]
    points, landmarks = results.landmarks(detections), truth.landmarks[items]
    labelled = landmarks[..., 2] > 0
    own = np.arange(MAX_LANDMARKS) < _COUNTS[category][:, None]
    crowd = np.zeros(len(items), bool)
    extents = box_pairs(_extents(points, own), _extents(landmarks[..., :2], labelled), crowd, groups)
    oks = landmark_oks(1, truth, results, ranking, groups)
    pairs = np.where(category[detected] == truth.category[items[true]], oks, extents)
    return np.where(labelled.any(axis=1)[true], pairs, 0.0)


def _extents(points: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Bounding boxes xywh, (n, 4) float64, of the points (n, 39, 2) that count, (n, 39) bool; zeros where none does."""
    low = np.where(counted[..., None], points, np.inf).min(axis=1)
    high = np.where(counted[..., None], points, -np.inf).max(axis=1)
    boxes = np.concatenate([low, high - low], axis=1)
    boxes[~counted.any(axis=1)] = 0
    return boxes


OVERLAPS: dict[Stream, Similarity] = {BOXES: box_iou, MASKS: mask_iou, LANDMARKS: landmark_overlap}
"""How well a detection of a stream fits an item of any category."""
