"""Draw the garments of a photo over it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from matchrcnn.drawing import DrawnItem, draw_items
from matchrcnn.inference.photos.garment import Garment
from matchrcnn.inference.photos.reading import Photo

LONGER_EDGE = 2048
"""Longer edge of a written picture at most, pixels."""

READABLE = 640
"""Longer edge below which a picture is enlarged, so that its labels find room, pixels."""

_VISIBLE = 2


def draw_garments(photo: Photo, garments: Sequence[Garment], longer_edge: int = LONGER_EDGE) -> Image.Image:
    """Draw masks, landmarks with their outline, boxes and labels over a photo, the garment of highest score on top.

    A photo smaller than 640 pixels is enlarged.

    Args:
        photo: the photo.
        garments: found in it.
        longer_edge: of the drawn picture at most, pixels.
    """
    edge = min(longer_edge, max(READABLE, *photo.image.size))
    scale = np.array(photo.image.size) / photo.size
    return draw_items(photo.image, [_drawn(each, photo, scale) for each in reversed(garments)], edge)


def _drawn(garment: Garment, photo: Photo, scale: np.ndarray) -> DrawnItem:
    x1, y1, x2, y2 = (np.array(garment.box) * [*scale, *scale]).tolist()
    mask, landmarks = garment.mask, None
    if mask is not None and photo.size != photo.image.size:
        mask = np.asarray(Image.fromarray(mask).resize(photo.image.size))
    if garment.landmarks is not None:
        visible = np.full(len(garment.landmarks), _VISIBLE)
        landmarks = np.column_stack([garment.landmarks[:, :2] * scale, visible])
    return DrawnItem(garment.category_id, (x1, y1, x2 - x1, y2 - y1), mask, landmarks, garment.score)
