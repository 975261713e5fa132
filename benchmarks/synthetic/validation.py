"""A validation split and its results at the size of DeepFashion2's: 32,153 images, 52,490 items, 961,491 detections.

Counts and shares of items an image, categories and attributes are those that `docs/data.md` states for the real split.
Every item is found a few times, some of these by another category's name; the rest are detections of nothing. Numbers
are float32 values written in full, as detectron2 writes them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pycocotools import mask as rle_masks

from matchrcnn.files import atomic_write, write_json
from matchrcnn.taxonomy import CATEGORIES, NUM_LANDMARKS

IMAGES, ITEMS, DETECTIONS = 32_153, 52_490, 961_491
HEIGHT, WIDTH = 624, 468
CATEGORY_SHARES = np.array([71645, 36064, 543, 13457, 16095, 1985, 36616, 55387, 30835, 17211, 7907, 17949, 6492])
LEVEL_SHARES = {
    "scale": (0.26, 0.50, 0.24),
    "occlusion": (0.47, 0.47, 0.06),
    "zoom_in": (0.67, 0.21, 0.12),
    "viewpoint": (0.07, 0.78, 0.15),
}
FOUND_AGAIN = 5


class Validation:
    """A split of some images; equal arguments give equal files.

    Args:
        images: how many.
        seed: of all draws.
        shares: of the categories, (13,), in any unit; the real ones by default.
    """

    def __init__(self, images: int = IMAGES, seed: int = 0, shares: np.ndarray = CATEGORY_SHARES) -> None:
        self.rng = np.random.default_rng(seed)
        self.images = images
        items = round(ITEMS * images / IMAGES)
        self.image = np.sort(np.concatenate([np.arange(images), self.rng.integers(0, images, max(items - images, 0))]))
        self.category = self.rng.choice(13, len(self.image), p=shares / shares.sum())
        corner = self.rng.uniform(0, 200, (len(self.image), 2))
        self.boxes = np.concatenate([corner, self.rng.uniform(60, 260, (len(self.image), 2))], axis=1)

    def write_truth(self, path: Path, wide: bool = False) -> None:
        """Write converted annotations; `wide` landmarks fill 294 rows, as peers need them."""
        levels = self.levels()
        items = [
            self._item(i, wide) | {name: int(level[i]) for name, level in levels.items()}
            for i in range(len(self.image))
        ]
        images = [
            {"id": i + 1, "file_name": f"{i + 1:06}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(self.images)
        ]
        categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
        write_json(path, {"images": images, "annotations": items, "categories": categories})

    def _item(self, index: int, wide: bool) -> dict[str, Any]:
        category = CATEGORIES[self.category[index]]
        x, y, w, h = self.boxes[index].tolist()
        points = np.zeros((category.count, 3))
        points[:, :2] = category.points * [w, h] + [x, y]
        points[:, 2] = self.rng.choice([0, 1, 2], category.count, p=[0.1, 0.2, 0.7])
        points[points[:, 2] == 0] = 0
        outline = points[list(category.outline), :2] if category.outline else points[:, :2]
        return {
            "id": index + 1,
            "image_id": int(self.image[index]) + 1,
            "category_id": category.id,
            "bbox": [x, y, w, h],
            "area": w * h,
            "iscrowd": 0,
            "segmentation": [outline.ravel().tolist()],
            "keypoints": (_widened(points, category.landmarks, 0.0) if wide else points).ravel().tolist(),
            "num_keypoints": int((points[:, 2] > 0).sum()),
        }

    def levels(self) -> dict[str, np.ndarray]:
        """Draw the attribute levels 1..3 of every item, independent of all else: name -> (G,) int64."""
        return {name: self.rng.choice(3, len(self.image), p=p) + 1 for name, p in LEVEL_SHARES.items()}

    def detections(self) -> Iterator[tuple[int, int, float, list[float]]]:
        """Image id, category id, score and box of every detection, image by image, best first."""
        image, category, score, boxes = self.detection_arrays()
        columns = image + 1, category + 1, score.astype(float), boxes.astype(float)
        return zip(*(column.tolist() for column in columns), strict=True)

    def detection_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Draw the detections, image by image, best first.

        Returns:
            Index of the image, (N,) int64; category 0..12, (N,) int64; score, (N,) float32; box xywh, (N, 4) float32.
        """
        total = round(DETECTIONS * self.images / IMAGES)
        item = np.repeat(np.arange(len(self.image)), FOUND_AGAIN)
        false = self.rng.integers(0, self.images, total - len(item))
        shift = self.rng.normal(0, 1, (len(item), 4)) * self.rng.choice([3, 12, 40], (len(item), 1))
        swapped = self.rng.random(len(item)) < 0.25
        category = np.where(swapped, self.rng.integers(0, 13, len(item)), self.category[item])
        score = self.rng.beta(2, 2, len(item)) * np.exp(-np.abs(shift).mean(axis=1) / 40) * np.where(swapped, 0.6, 1)
        corner = self.rng.uniform(0, 300, (len(false), 2))
        boxes = np.concatenate([self.boxes[item] + shift, np.hstack([corner, self.rng.uniform(20, 160, corner.shape)])])
        boxes = np.maximum(boxes, 1).astype(np.float32)
        image = np.concatenate([self.image[item], false])
        category = np.concatenate([category, self.rng.integers(0, 13, len(false))])
        score = np.concatenate([score, self.rng.beta(1, 8, len(false))]).astype(np.float32)
        order = np.lexsort([-score, image])
        return image[order], category[order], score[order], boxes[order]

    def write_boxes(self, path: Path) -> None:
        """Write box results."""
        _write(path, ({**_entry(i, c, s), "bbox": box} for i, c, s, box in self.detections()))

    def write_masks(self, path: Path) -> None:
        """Write mask results: the category's outline in each detection's box."""
        _write(path, ({**_entry(i, c, s), "segmentation": _mask(c, box)} for i, c, s, box in self.detections()))

    def write_landmarks(self, path: Path) -> None:
        """Write landmark results, 294 wide."""
        _write(path, ({**_entry(i, c, s), "keypoints": self._landmarks(c, box)} for i, c, s, box in self.detections()))

    def _landmarks(self, category_id: int, box: list[float]) -> list[float]:
        category = CATEGORIES[category_id - 1]
        x, y, w, h = box
        points = np.ones((category.count, 3), np.float32)
        points[:, :2] = category.points * [w, h] + [x, y] + self.rng.normal(0, 3, (category.count, 2))
        return (
            _widened(points, category.landmarks, np.float32(1), (x + w / 2, y + h / 2)).ravel().astype(float).tolist()
        )


def _widened(points: np.ndarray, rows: slice, third: float, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    wide = np.full((NUM_LANDMARKS, 3), (*centre, third), points.dtype)
    wide[rows] = points
    return wide


def _mask(category_id: int, box: list[float]) -> dict[str, Any]:
    category = CATEGORIES[category_id - 1]
    outline = category.points[list(category.outline)] if category.outline else category.points
    polygon = (outline * box[2:] + box[:2]).ravel().tolist()
    rle = rle_masks.frPyObjects([polygon], HEIGHT, WIDTH)[0]
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def _entry(image_id: int, category_id: int, score: float) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": category_id, "score": score}


def _write(path: Path, entries: Iterator[dict[str, Any]]) -> None:
    with atomic_write(path) as file:
        file.write(b"[")
        for number, entry in enumerate(entries):
            file.write(b"," if number else b"")
            file.write(orjson.dumps(entry))
        file.write(b"]")
