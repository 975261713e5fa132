"""Garments drawn over a photo: boxes with readable labels, translucent masks, landmarks with their outline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from matchrcnn.taxonomy import Category, category

PALETTE = (
    "#66CCEE", "#4477AA", "#EE7733", "#AA3377", "#228833", "#99DDFF", "#CCBB44",
    "#EE6677", "#BBCC33", "#EE8866", "#882255", "#44BB99", "#FFAABB",
)  # fmt: skip
"""Colour of each category, ids 1..13, from Paul Tol's colour-blind safe sets; labels tell similar ones apart."""

MASK_OPACITY = 0.42
Rectangle = tuple[float, float, float, float]
_VISIBLE = 2


@dataclass(frozen=True)
class DrawnItem:
    """One garment to draw, in pixels of its image.

    Attributes:
        box: x, y, width, height; None draws no box.
        mask: (height, width) bool of the image's size; None draws no mask.
        landmarks: (count, 3), x, y and visibility 2 visible, 1 occluded, 0 not drawn; None draws none.
        score: shown behind the category's name.
    """

    category_id: int
    box: Rectangle | None = None
    mask: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    score: float | None = None

    @property
    def label(self) -> str:
        """The category's name, with the score where there is one."""
        name = category(self.category_id).name
        return name if self.score is None else f"{name} {self.score:.2f}"

    @property
    def color(self) -> str:
        """The category's colour, #RRGGBB."""
        return PALETTE[self.category_id - 1]


def draw_items(image: Image.Image, items: Sequence[DrawnItem], longer_edge: int | None = None) -> Image.Image:
    """A copy of an image with garments drawn over it, the last one on top.

    Args:
        image: any mode that Pillow converts to RGB.
        items: in pixels of `image`.
        longer_edge: size of the picture that is made, in pixels; None keeps the image's.

    Returns:
        An RGB image.
    """
    scale = 1.0 if longer_edge is None else longer_edge / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    picture = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    for item in items:
        if item.mask is not None:
            picture = _with_mask(picture, item.mask, item.color)
    draw = ImageDraw.Draw(picture)
    stroke = max(2, round(max(size) / 220))
    for item in items:
        _draw_lines(draw, item, scale, stroke)
    taken: list[Rectangle] = []
    for item in items:
        _draw_label(draw, item, scale, size, taken)
    return picture


def crop(image: Image.Image, box: Rectangle, margin: float) -> Image.Image:
    """Return the part of an image inside a box and a margin around it, at least one pixel wide and high.

    Args:
        image: any image.
        box: x1, y1, x2, y2 in its pixels; what is outside the image is left out.
        margin: shown on each side, as a fraction of the box's width and height.
    """
    x1, y1, x2, y2 = box
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    left, top = max(0, round(x1 - dx)), max(0, round(y1 - dy))
    right, bottom = min(image.width, round(x2 + dx)), min(image.height, round(y2 + dy))
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _with_mask(picture: Image.Image, mask: np.ndarray, color: str) -> Image.Image:
    """A translucent layer with an opaque rim, which shows on cloth of the same colour."""
    inside = Image.fromarray(mask.astype(np.uint8) * 255).resize(picture.size, Image.Resampling.BILINEAR)
    rim = ImageChops.subtract(inside, inside.filter(ImageFilter.MinFilter(5)))
    alpha = ImageChops.lighter(inside.point(lambda value: value * MASK_OPACITY), rim)
    return Image.composite(Image.new("RGB", picture.size, color), picture, alpha)


def _draw_lines(draw: ImageDraw.ImageDraw, item: DrawnItem, scale: float, stroke: int) -> None:
    if item.box is not None:
        x, y, w, h = (value * scale for value in item.box)
        draw.rectangle((x, y, x + max(w, 1), y + max(h, 1)), outline=item.color, width=stroke)
    if item.landmarks is not None:
        points = item.landmarks * (scale, scale, 1)
        for a, b in _segments(category(item.category_id)):
            if points[a, 2] and points[b, 2]:
                draw.line((*points[a, :2], *points[b, :2]), fill=item.color, width=stroke)
        for x, y, visibility in points:
            _draw_point(draw, x, y, visibility, item.color, stroke)


def _segments(garment: Category) -> Iterator[tuple[int, int]]:
    """Pairs of landmarks that the silhouette joins; an open garment has a silhouette for each half."""
    for loop in garment.panels or (garment.outline,):
        yield from zip(loop, (*loop[1:], loop[0]), strict=True)
    yield from garment.straps


def _draw_point(draw: ImageDraw.ImageDraw, x: float, y: float, visibility: float, color: str, stroke: int) -> None:
    """A disc for a visible landmark, a ring for an occluded one."""
    if not visibility:
        return
    radius = stroke + 0.5
    fill = color if visibility >= _VISIBLE else "white"
    rim = "white" if visibility >= _VISIBLE else color
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=rim)


def _draw_label(
    draw: ImageDraw.ImageDraw, item: DrawnItem, scale: float, size: tuple[int, int], taken: list[Rectangle]
) -> None:
    """The item's name at its top left corner, inside the picture and below labels that are already there."""
    corner = _corner(item)
    if corner is None:
        return
    points = max(18, round(max(size) / 36))
    widest = draw.textlength(item.label, font=ImageFont.load_default(points))
    points = max(9, int(min(points, points * (size[0] - 8) / widest)))  # a narrow picture has its names whole
    font = ImageFont.load_default(points)
    _, top, width, bottom = draw.textbbox((0, 0), item.label, font=font)
    width, height = width + 8, bottom - top + 8
    x = min(max(corner[0] * scale, 0), max(0, size[0] - width))
    gap = 0 if item.box is not None else height // 3  # landmarks at the corner stay in sight
    y = min(max(corner[1] * scale - height - gap, 0), size[1] - height)
    while any(x < r and left < x + width and y < b and upper < y + height for left, upper, r, b in taken):
        y += 1
    taken.append((x, y, x + width, y + height))
    draw.rectangle(taken[-1], fill=item.color)
    draw.text((x + 4, y + 4 - top), item.label, fill=_readable_on(item.color), font=font)


def _corner(item: DrawnItem) -> tuple[float, float] | None:
    """Top left corner of what is drawn of an item, in pixels of its image."""
    if item.box is not None:
        return item.box[0], item.box[1]
    if item.mask is not None and item.mask.any():
        return float(item.mask.any(axis=0).argmax()), float(item.mask.any(axis=1).argmax())
    if item.landmarks is not None and item.landmarks[:, 2].any():
        x, y = item.landmarks[item.landmarks[:, 2] > 0, :2].min(axis=0)
        return float(x), float(y)
    return None


def _readable_on(color: str) -> str:
    """Black or white, whichever contrasts more with a colour (relative luminance of WCAG 2)."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    return "black" if luminance > 0.18 else "white"
