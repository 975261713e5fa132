"""The defects of the original annotations, in small number, so that whatever reads the sample data meets them."""

from collections.abc import Callable
from typing import Any

import numpy as np

Item = dict[str, Any]
Size = tuple[int, int]

IMAGES_A_QUIRK = 80
"""One image in so many has a given defect, and one at least."""

UNREADABLE = "unreadable"
"""Not a defect of the annotation: the JPEG file ends early; in train only."""


def _no_landmarks(item: Item, size: Size) -> None:
    item["landmarks"] = [0] * len(item["landmarks"])


def _zero_box(item: Item, size: Size) -> None:
    left, top, _, bottom = item["bounding_box"]
    item["bounding_box"] = [left, top, left, bottom]


def _short_polygon(item: Item, size: Size) -> None:
    item["segmentation"].append(item["segmentation"][0][:4])


def _floats(item: Item, size: Size) -> None:
    item["bounding_box"][0] += 0.5
    item["segmentation"][0][1] += 0.25
    item["landmarks"][:2] = [float(value) for value in item["landmarks"][:2]]


def _past_border(item: Item, size: Size) -> None:
    """Move the side of the garment that is nearest to the image's right border past it."""
    shift = size[0] + 2 - max(item["bounding_box"][0::2])
    edge = max(max(polygon[0::2]) for polygon in item["segmentation"])
    item["bounding_box"][2] += shift
    for polygon in item["segmentation"]:
        polygon[0::2] = [x + shift if x == edge else x for x in polygon[0::2]]
    xs, seen = item["landmarks"][0::3], item["landmarks"][2::3]
    last = max(range(len(xs)), key=lambda i: (seen[i] > 0, xs[i]))
    item["landmarks"][3 * last : 3 * last + 3] = [size[0], max(item["landmarks"][3 * last + 1], 1), 1]


DEFECTS: dict[str, Callable[[Item, Size], None]] = {
    "no_landmarks": _no_landmarks,
    "zero_box": _zero_box,
    "short_polygon": _short_polygon,
    "floats": _floats,
    "past_border": _past_border,
}
"""Name -> what it does to one item of an image of the given width and height."""


def quirky_images(rng: np.random.Generator, split: str, images: int) -> dict[int, str]:
    """Image number -> name of its one defect, for the few images of a split that have one."""
    names = [*DEFECTS, *([UNREADABLE] if split == "train" else [])] * max(1, images // IMAGES_A_QUIRK)
    numbers = rng.permutation(images) + 1
    return {int(number): name for number, name in zip(numbers, names, strict=False)}


def spoil(annotation: dict[str, Any], quirk: str | None, size: Size) -> None:
    """Give one item of an annotation the defect of this name, in place; other names change nothing."""
    if quirk in DEFECTS and "item1" in annotation:
        DEFECTS[quirk](annotation["item1"], size)
