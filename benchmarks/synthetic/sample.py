"""Samples of images from a population with known precision, matched in memory: no files, a few milliseconds each.

A sample of n images is a `Validation` of n images with its own seed, so samples are independent and the population is
infinite. Boxes are compared as the evaluation does it; masks are the category's outline in either box, compared on a
grid; landmarks are the category's points in either box, with the noise that `Validation` adds.
"""

from functools import cache
from typing import cast

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.synthetic.validation import CATEGORY_SHARES, Validation
from matchrcnn.evaluation.coco.matching import match
from matchrcnn.evaluation.coco.precision import Scored
from matchrcnn.evaluation.coco.ranking import Groups, rank
from matchrcnn.evaluation.coco.ranking import group as gather
from matchrcnn.evaluation.coco.similarity import box_iou
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.parallel import compiled
from matchrcnn.subsets import column_bits, membership
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_CATEGORIES

SHARES = {"uniform": np.ones(NUM_CATEGORIES), "real": CATEGORY_SHARES}
"""Shares of the categories by name."""

LIMITS = {"box": 100, "mask": 100, "landmarks": 20}
"""Kinds of result, and how many detections of an image and category count."""

_GRID = 24  # points of a mask along each side of its box
_VISIBLE = 0.7
_NOISE = 3.0


class _Truth:
    """The fields of `GroundTruth` that ranking, grouping and `box_iou` read."""

    def __init__(self, split: Validation) -> None:
        self.image, self.category, self.boxes, self.num_images = split.image, split.category, split.boxes, split.images
        self.crowd = np.zeros(len(split.image), bool)


class _Found:
    """The members of `Results` that ranking and `box_iou` read."""

    def __init__(self, split: Validation) -> None:
        self.image, self.category, score, boxes = split.detection_arrays()
        self.score, self._boxes = score.astype(np.float64), boxes.astype(np.float64)

    def boxes(self, chosen: np.ndarray) -> np.ndarray:
        return self._boxes[chosen]


def draw_scored(images: int, kind: str, shares: np.ndarray, seed: int, run: int = 0) -> Scored:
    """Draw a sample of images with a run's results, and match it; equal arguments give equal samples.

    Args:
        images: n.
        kind: "box", "mask" or "landmarks".
        shares: of the categories, (13,).
        seed: of the images; equal seeds give equal images.
        run: another number gives another run of the same quality on the same images.
    """
    split = Validation(images, seed, shares)
    bits = column_bits(np.stack(list(split.levels().values()), axis=1))
    split.rng = np.random.default_rng([seed, run])
    truth, found = cast("GroundTruth", _Truth(split)), cast("Results", _Found(split))
    members = membership("subset_images", bits, truth.image, images)
    ranking = rank(found, images, LIMITS[kind])
    groups = gather(truth, ranking)
    if kind == "box":
        pairs = box_iou(truth, found, ranking, groups)
    else:
        shapes = found.boxes(ranking.detection[groups.positions]), truth.boxes[groups.items]
        category = truth.category[groups.items]
        pairs = (_mask_iou if kind == "mask" else _landmark_oks)(*shapes, category, groups, split.rng)
    matches = match(groups, pairs, members.items, truth.crowd, len(ranking.image))
    return Scored(ranking, matches, members, truth.image, truth.category)


def _mask_iou(
    boxes: np.ndarray, items: np.ndarray, category: np.ndarray, groups: Groups, _: np.random.Generator
) -> np.ndarray:
    return _mask_pairs(
        boxes, items, category, _bitmaps(), groups.position_starts, groups.item_starts, groups.pair_starts
    )


def _landmark_oks(
    boxes: np.ndarray, items: np.ndarray, category: np.ndarray, groups: Groups, rng: np.random.Generator
) -> np.ndarray:
    noise = rng.normal(0, _NOISE, (len(boxes), MAX_LANDMARKS, 2))
    visible = rng.random((len(items), MAX_LANDMARKS)) < _VISIBLE
    starts = groups.position_starts, groups.item_starts, groups.pair_starts
    return _landmark_pairs(boxes, items, category, noise, visible, *_landmarks(), *starts)


@cache
def _bitmaps() -> np.ndarray:
    """The categories' outlines in the unit box, (13, _GRID, _GRID) bool."""
    maps = []
    for category in CATEGORIES:
        outline = category.points[list(category.outline)] if category.outline else category.points
        image = Image.new("1", (_GRID, _GRID))
        ImageDraw.Draw(image).polygon([(x, y) for x, y in (outline * _GRID).tolist()], fill=1)
        maps.append(np.asarray(image))
    return np.stack(maps)


@cache
def _landmarks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (13, 39, 2) in the unit box, their number (13,), and OKS's variances (13, 39)."""
    points, variances = np.zeros((NUM_CATEGORIES, MAX_LANDMARKS, 2)), np.ones((NUM_CATEGORIES, MAX_LANDMARKS))
    for k, category in enumerate(CATEGORIES):
        points[k, : category.count] = category.points
        variances[k, : category.count] = (category.sigmas * 2) ** 2
    return points, np.array([category.count for category in CATEGORIES]), variances


@compiled
def _mask_pairs(
    boxes: np.ndarray,
    items: np.ndarray,
    category: np.ndarray,
    bitmaps: np.ndarray,
    position_starts: np.ndarray,
    item_starts: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:
    pairs = np.zeros(starts[-1])
    size = bitmaps.shape[1]
    for group in range(len(starts) - 1):
        pair = starts[group]
        for d in range(position_starts[group], position_starts[group + 1]):
            for g in range(item_starts[group], item_starts[group + 1]):
                bitmap = bitmaps[category[g]]
                points = both = 0
                for row in range(size):
                    y = ((row + 0.5) / size * items[g, 3] + items[g, 1] - boxes[d, 1]) / boxes[d, 3] * size
                    for column in range(size):
                        if bitmap[row, column]:
                            points += 1
                            x = ((column + 0.5) / size * items[g, 2] + items[g, 0] - boxes[d, 0]) / boxes[d, 2] * size
                            if 0 <= x < size and 0 <= y < size:
                                both += bitmap[int(y), int(x)]
                true, found = items[g, 2] * items[g, 3], boxes[d, 2] * boxes[d, 3]
                pairs[pair] = both * true / ((points - both) * true + points * found)
                pair += 1
    return pairs


@compiled
def _landmark_pairs(
    boxes: np.ndarray,
    items: np.ndarray,
    category: np.ndarray,
    noise: np.ndarray,
    visible: np.ndarray,
    points: np.ndarray,
    counts: np.ndarray,
    variances: np.ndarray,
    position_starts: np.ndarray,
    item_starts: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:
    pairs = np.zeros(starts[-1])
    for group in range(len(starts) - 1):
        pair = starts[group]
        for d in range(position_starts[group], position_starts[group + 1]):
            for g in range(item_starts[group], item_starts[group + 1]):
                k, total, seen = category[g], 0.0, 0
                for i in range(counts[k]):
                    if visible[g, i]:
                        seen += 1
                        squared = 0.0
                        for axis in range(2):
                            found = points[k, i, axis] * boxes[d, 2 + axis] + boxes[d, axis] + noise[d, i, axis]
                            squared += (found - points[k, i, axis] * items[g, 2 + axis] - items[g, axis]) ** 2
                        total += np.exp(-squared / variances[k, i] / (items[g, 2] * items[g, 3]) / 2)
                pairs[pair] = total / max(seen, 1)
                pair += 1
    return pairs
