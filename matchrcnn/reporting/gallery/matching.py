"""Which predictions of an image are right, and what is wrong with the others: for galleries, not for scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from matchrcnn.drawing import DrawnItem
from matchrcnn.taxonomy import NUM_LANDMARKS, category

MATCHED, NEAR = 0.5, 0.1
"""Overlap of a match, and the least that tells a badly placed item from background (TIDE, arXiv 2008.08115)."""

ERRORS = ("missed", "wrong category", "badly placed", "duplicate", "background")

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Matching:
    """An image's truth and predictions, matched.

    Attributes:
        predictions: best score first.
        overlaps: (predictions, truths) float64, 0..1.
        partners: the truth that each prediction matches, -1 for none.
    """

    image: Json
    truths: list[Json]
    predictions: list[Json]
    overlaps: np.ndarray
    partners: np.ndarray

    def shown(self, threshold: float) -> int:
        """How many predictions reach a score."""
        return sum(prediction["score"] >= threshold for prediction in self.predictions)

    def quality(self, threshold: float) -> float:
        """Sum of the matches' overlaps over the number of items, true and predicted, a match counted once: 0..1."""
        partners = self.partners[: self.shown(threshold)]
        rows = np.flatnonzero(partners >= 0)
        items = len(self.truths) + len(partners) - len(rows)
        return float(self.overlaps[rows, partners[rows]].sum() / items) if items else 1.0

    def errors(self, threshold: float) -> list[str]:
        """The kinds of error of predictions that reach a score, and `missed` where a truth has no match."""
        shown = self.shown(threshold)
        found = {self.outcomes[i] for i in range(shown)}
        if len({p for p in self.partners[:shown] if p >= 0}) < len(self.truths):
            found.add("missed")
        return [error for error in ERRORS if error in found]

    @cached_property
    def outcomes(self) -> list[str]:
        """`correct` or the kind of error of each prediction."""
        return [self._outcome(i) for i in range(len(self.predictions))]

    def _outcome(self, i: int) -> str:
        if self.partners[i] >= 0:
            return "correct"
        own = np.array([t["category_id"] == self.predictions[i]["category_id"] for t in self.truths], bool)
        if (self.overlaps[i][own] >= MATCHED).any():
            return "duplicate"
        if (self.overlaps[i][~own] >= MATCHED).any():
            return "wrong category"
        return "badly placed" if (self.overlaps[i][own] >= NEAR).any() else "background"


def match(stream: str, image: Json, truths: list[Json], predictions: Iterable[Json]) -> Matching:
    """Give each prediction, best score first, the free truth of its category that it overlaps most, by 0.5 at least.

    Args:
        stream: boxes, masks or landmarks: overlap is the IoU of boxes or of masks, or OKS.
        image: COCO record of the image.
        truths: COCO annotations.
        predictions: COCO results.
    """
    ranked = sorted(predictions, key=lambda prediction: -prediction["score"])
    overlaps = _overlaps(stream, image, truths, ranked)
    partners = np.full(len(ranked), -1)
    free = np.ones(len(truths), bool)
    for i, prediction in enumerate(ranked):
        own = np.array([truth["category_id"] == prediction["category_id"] for truth in truths], bool)
        candidates = np.where(free & own, overlaps[i], 0)
        if len(truths) and candidates.max() >= MATCHED:
            partners[i] = candidates.argmax()
            free[partners[i]] = False
    return Matching(image, truths, ranked, overlaps, partners)


def best_threshold(matchings: Sequence[Matching]) -> float:
    """The score from which on predictions are shown: the one of highest F1 over these images."""
    scored = sorted(
        ((p["score"], partner >= 0) for m in matchings for p, partner in zip(m.predictions, m.partners, strict=True)),
        reverse=True,
    )
    if not scored:
        return 0.5
    scores, correct = np.array(scored, np.float64).T
    truths = sum(len(m.truths) for m in matchings)
    f1 = 2 * correct.cumsum() / (np.arange(1, len(correct) + 1) + truths)
    return float(scores[f1.argmax()])


def as_drawn(stream: str, image: Json, item: Json) -> DrawnItem:
    """An annotation or a result as the part of it that a stream is about."""
    score = item.get("score")
    if stream == "masks":
        return DrawnItem(item["category_id"], mask=coco_mask.decode(mask_rle(image, item)).astype(bool), score=score)
    if stream == "landmarks":
        points = own_landmarks(item)
        if score is not None:
            points[:, 2] = 2
        return DrawnItem(item["category_id"], landmarks=points, score=score)
    x, y, w, h = item["bbox"]
    return DrawnItem(item["category_id"], box=(x, y, w, h), score=score)


def own_landmarks(item: Json) -> np.ndarray:
    """The landmarks of an item's own category, (count, 3) float64, from a record of these or of all 294."""
    points = np.array(item["keypoints"], np.float64).reshape(-1, 3)
    return points[category(item["category_id"]).landmarks] if len(points) == NUM_LANDMARKS else points


def mask_rle(image: Json, item: Json) -> Json:
    """An item's mask as COCO run lengths; polygons are merged."""
    segmentation = item["segmentation"]
    if isinstance(segmentation, dict):
        return segmentation
    polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
    if not polygons:
        return coco_mask.encode(np.zeros((image["height"], image["width"]), np.uint8, order="F"))
    return coco_mask.merge(coco_mask.frPyObjects(polygons, image["height"], image["width"]))


def _overlaps(stream: str, image: Json, truths: list[Json], predictions: list[Json]) -> np.ndarray:
    if not truths or not predictions:
        return np.zeros((len(predictions), len(truths)))
    if stream == "landmarks":
        return np.array([[_landmark_overlap(p, t) for t in truths] for p in predictions])
    if stream == "masks":
        sides = [[mask_rle(image, item) for item in items] for items in (predictions, truths)]
    else:
        sides = [[item["bbox"] for item in items] for items in (predictions, truths)]
    return np.asarray(coco_mask.iou(*sides, [0] * len(truths)), np.float64)


def _landmark_overlap(prediction: Json, truth: Json) -> float:
    """OKS over the labelled landmarks; between two categories, which share none, the IoU of the landmarks' extents."""
    own, true = own_landmarks(prediction), own_landmarks(truth)
    labelled = true[:, 2] > 0
    if not labelled.any():
        return 0.0
    if prediction["category_id"] != truth["category_id"]:
        return float(coco_mask.iou([_extent(own)], [_extent(true[labelled])], [0])[0, 0])
    squared = ((own[labelled, :2] - true[labelled, :2]) ** 2).sum(axis=1)
    spread = (2 * category(truth["category_id"]).sigmas[labelled]) ** 2
    return float(np.exp(-squared / (2 * spread * max(truth["area"], np.spacing(1)))).mean())


def _extent(points: np.ndarray) -> list[float]:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return [*low, *(high - low)]
