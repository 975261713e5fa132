"""Detections in the order in which precision counts them, and the groups in which they are matched."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.parallel import compiled, in_threads
from matchrcnn.taxonomy import NUM_CATEGORIES


@dataclass(frozen=True, eq=False)
class Ranking:
    """The detections that count, category by category, the best first.

    Equal scores go by image, then by the order in the file, as pycocotools' stable sort has them.

    Attributes:
        detection: their indices in the results, (D,) int64.
        image: index of each one's image, (D,) int64.
        starts: where each category begins, (K + 1,) int64.
    """

    detection: np.ndarray
    image: np.ndarray
    starts: np.ndarray

    @property
    def category(self) -> np.ndarray:
        """Category 0..12 of each, (D,) int64."""
        return np.repeat(np.arange(NUM_CATEGORIES), np.diff(self.starts))


class Groups(NamedTuple):
    """Ground truths and detections that belong together, for the g groups that have both.

    Attributes:
        items: ground truths, group after group, each in the order of its file, (n,) int64.
        item_starts: where each group begins in `items`, (g + 1,) int64.
        positions: places in the ranking, group after group, each best first, (m,) int64.
        position_starts: where each group begins in `positions`, (g + 1,) int64.
        pair_starts: where each group begins in an array of all P detection x ground truth pairs, (g + 1,) int64.
    """

    items: np.ndarray
    item_starts: np.ndarray
    positions: np.ndarray
    position_starts: np.ndarray
    pair_starts: np.ndarray


def rank(results: Results, num_images: int, limit: int | None) -> Ranking:
    """Rank the detections, at most `limit` of each image and category (COCO's maxDets); None keeps all."""
    by_image = np.argsort(results.image, kind="stable")
    order = by_image[np.argsort(results.category[by_image], kind="stable")]
    score, ends = -results.score[order], np.cumsum(np.bincount(results.category, minlength=NUM_CATEGORIES))

    def sort(category: tuple[int, int]) -> None:
        own = slice(*category)
        order[own] = order[own][np.argsort(score[own], kind="stable")]

    in_threads(sort, zip([0, *ends], ends, strict=False))
    image, category = results.image[order], results.category[order]
    kept = _first(image, category, num_images, len(results) if limit is None else limit)
    order, image, category = order[kept], image[kept], category[kept]
    starts = np.searchsorted(category, np.arange(NUM_CATEGORIES + 1))
    return Ranking(order, image, starts)


@compiled
def _first(image: np.ndarray, category: np.ndarray, num_images: int, limit: int) -> np.ndarray:
    """Mark the first `limit` of each image and category."""
    seen = np.zeros((NUM_CATEGORIES, num_images), np.int64)
    kept = np.zeros(len(image), np.bool_)
    for i in range(len(image)):
        kept[i] = seen[category[i], image[i]] < limit
        seen[category[i], image[i]] += 1
    return kept


def of_images(ranking: Ranking, chosen: np.ndarray) -> Ranking:
    """Return the ranking of the detections in chosen images, (I,) bool."""
    kept = chosen[ranking.image]
    starts = np.concatenate([[0], np.cumsum(kept)])[ranking.starts]
    return Ranking(ranking.detection[kept], ranking.image[kept], starts)


def group(truth: GroundTruth, ranking: Ranking) -> Groups:
    """Gather what can match: ground truths and detections of the same image and category."""
    detection_key = ranking.category * truth.num_images + ranking.image
    item_key = truth.category * truth.num_images + truth.image
    return _grouped(detection_key, item_key, NUM_CATEGORIES * truth.num_images)


def group_by_image(truth: GroundTruth, ranking: Ranking) -> Groups:
    """Gather what overlaps: ground truths and detections of the same image, whatever their categories."""
    return _grouped(ranking.image, truth.image, truth.num_images)


def _grouped(detection_key: np.ndarray, item_key: np.ndarray, num_keys: int) -> Groups:
    shared = np.zeros(num_keys, bool)
    shared[detection_key] = True
    holds_item = np.zeros_like(shared)
    holds_item[item_key] = True
    shared &= holds_item
    number = np.cumsum(shared) - 1
    items, item_starts = _gather(item_key, shared, number)
    positions, position_starts = _gather(detection_key, shared, number)
    pairs = np.diff(item_starts) * np.diff(position_starts)
    return Groups(items, item_starts, positions, position_starts, np.concatenate([[0], np.cumsum(pairs)]))


def _gather(key: np.ndarray, shared: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    members = np.flatnonzero(shared[key])
    groups = number[key[members]]
    order = np.argsort(groups, kind="stable")
    return members[order], np.searchsorted(groups[order], np.arange(np.count_nonzero(shared) + 1))
