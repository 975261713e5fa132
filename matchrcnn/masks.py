"""Masks as COCO run lengths (RLE): the one writer and reader of them outside the evaluation's own decoder."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np


class RunLengths(TypedDict):
    """A mask in COCO's compressed form.

    Attributes:
        size: height and width, pixels.
        counts: lengths of the runs down the columns, as text.
    """

    size: list[int]
    counts: str


def encode(mask: np.ndarray) -> RunLengths:
    """Return the run lengths of a mask, (H, W) bool or uint8 of 0 and 1."""
    import pycocotools.mask

    rle = pycocotools.mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return _as_text(rle)


def of_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> RunLengths:
    """Return the run lengths of the union of polygons; one of fewer than three points covers nothing.

    Args:
        polygons: each flat x, y in pixels.
        height, width: of the image, pixels.
    """
    import pycocotools.mask

    areas = [list(polygon) for polygon in polygons if len(polygon) >= 6]
    if not areas:
        return encode(np.zeros((height, width), np.uint8))
    return _as_text(pycocotools.mask.merge(pycocotools.mask.frPyObjects(areas, height, width)))


def decode(rle: RunLengths) -> np.ndarray:
    """Return the mask of run lengths, (H, W) bool."""
    import pycocotools.mask

    mask: np.ndarray = pycocotools.mask.decode(rle).astype(bool)
    return mask


def _as_text(rle: dict) -> RunLengths:
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}
