"""How far off landmarks are, by category and landmark: a diagnosis next to the official AP, not a benchmark number.

AP tells whether an item was found and how well all its landmarks lie together; this tells which landmarks are weak.
Distances are in parts of the item's box size, the longer side of its ground-truth box. A landmark is correct (PCK, the
percentage of correct keypoints) when it lies within 0.2 of it. Items without a detection say nothing about landmarks:
they are counted apart.
"""

from typing import Any

import numpy as np

from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.evaluation.scoring import Evaluation
from matchrcnn.taxonomy import CATEGORIES

PCK_REACH = 0.2
"""Distance at which a landmark still is correct, in parts of the box size."""


def diagnose_landmarks(truth: GroundTruth, results: Results, found: Evaluation) -> dict[str, Any]:
    """Tell the errors of the landmarks of the detections that were scored; returns what `diagnose` does."""
    best = found.scored.ranking.detection
    return diagnose(truth, results.image[best], results.category[best], results.landmarks(best))


def diagnose(truth: GroundTruth, image: np.ndarray, category: np.ndarray, landmarks: np.ndarray) -> dict[str, Any]:
    """Measure the errors of the landmarks of the items that were found.

    An item's prediction is the detection of its image and category whose landmarks lie nearest to its labelled ones, in
    the mean; one detection may stand for two items.

    Args:
        truth: the split; occluded landmarks count like visible ones.
        image: index of each detection's image in `truth.image_ids`, (D,) integer.
        category: 0..12 of each detection, (D,) integer.
        landmarks: each detection's own landmarks in the first rows, (D, 39, 2 or more) float.

    Returns:
        `overall` and `category` -> name, each {items, found, pck, error}: items with labelled landmarks, those of them
        with a detection, and over the latter's labelled landmarks the share of correct ones and the mean distance. A
        category also holds `landmarks`: a list in landmark order of {labelled, pck, error}. What nothing was measured
        for is null.
    """
    errors = nearest_errors(truth, image, category, landmarks)
    labelled = truth.landmarks[..., 2] > 0
    by_category = {}
    for number, own in enumerate(CATEGORIES):
        rows = truth.category == number
        columns = [_measures(errors[rows, k]) for k in range(own.count)]
        by_category[own.name] = _summary(labelled[rows], errors[rows]) | {"landmarks": columns}
    return {"overall": _summary(labelled, errors), "category": by_category}


def nearest_errors(truth: GroundTruth, image: np.ndarray, category: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return each item's landmark errors for its nearest detection, (G, 39) float64.

    NaN for unlabelled landmarks and for items without a detection. Arguments are those of `diagnose`.
    """
    errors = np.full(truth.landmarks.shape[:2], np.nan)
    detections: dict[tuple[int, int], list[int]] = {}
    for number, key in enumerate(zip(image.tolist(), category.tolist(), strict=True)):
        detections.setdefault(key, []).append(number)
    for item in np.flatnonzero((truth.landmarks[..., 2] > 0).any(axis=1)):
        found = detections.get((int(truth.image[item]), int(truth.category[item])))
        if found:
            candidates = landmark_errors(landmarks[found], truth.landmarks[item], truth.boxes[item])
            errors[item] = candidates[np.nanmean(candidates, axis=1).argmin()]
    return errors


def landmark_errors(predicted: np.ndarray, true: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return distances in parts of the box size.

    Args:
        predicted: (..., k, 2 or more), x and y first, of k landmarks.
        true: x, y, v, (..., k, 3).
        boxes: xywh, (..., 4).

    Returns:
        (..., k) float64, NaN where the landmark is unlabelled. A box without extent counts as one pixel.
    """
    distance = np.linalg.norm(predicted[..., :2].astype(np.float64) - true[..., :2], axis=-1)
    size = np.maximum(boxes[..., 2:].max(axis=-1), 1)
    return np.where(true[..., 2] > 0, distance / size[..., None], np.nan)


def _summary(labelled: np.ndarray, errors: np.ndarray) -> dict[str, Any]:
    found = int((~np.isnan(errors)).any(axis=1).sum())
    measures = _measures(errors)
    return {
        "items": int(labelled.any(axis=1).sum()),
        "found": found,
        "pck": measures["pck"],
        "error": measures["error"],
    }


def _measures(errors: np.ndarray) -> dict[str, Any]:
    measured = errors[~np.isnan(errors)]
    if not measured.size:
        return {"labelled": 0, "pck": None, "error": None}
    return {
        "labelled": int(measured.size),
        "pck": float((measured <= PCK_REACH).mean()),
        "error": float(measured.mean()),
    }
