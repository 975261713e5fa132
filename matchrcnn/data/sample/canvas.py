"""A picture that remembers what covers what."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from matchrcnn.data.sample.style import EXTENT, TEXELS, Colour

SUPERSAMPLING = 2
"""Canvas pixels to one pixel of the finished picture."""

NOBODY = 0
"""Owner of what is no item: background, body, things."""

SHADE = 0.5
"""How dark the rim of a piece of cloth gets."""

Box = tuple[int, int, int, int]


class Canvas:
    """Painted back to front.

    Attributes:
        picture: RGB image.
        owner: which item each pixel belongs to, as an 8-bit image; NOBODY for none.
        shapes: item -> mask of all that was painted of it, covered or not, as an 8-bit image of 0 and 255.
    """

    def __init__(self, background: Image.Image) -> None:
        self.picture = background
        self.owner = Image.new("L", background.size, NOBODY)
        self.shapes: dict[int, Image.Image] = {}

    def fill(self, polygon: np.ndarray, colour: Colour, owner: int | None = NOBODY) -> None:
        """Paint a polygon, (n, 2) canvas pixels, in one colour; owner None: an ornament, which covers nothing."""
        cut = self._stencil([polygon], 0)
        if cut is not None:
            mask, box = cut
            if owner is not None:
                self._own(mask, box, owner)
            self.picture.paste(colour, box, mask)

    def soft(self, polygon: np.ndarray, colour: Colour, strength: float, blur: int) -> None:
        """Lay a blurred polygon, (n, 2) canvas pixels, over the picture, a shadow or a gleam, that covers nothing."""
        cut = self._stencil([polygon], 2 * blur)
        if cut is not None:
            mask, box = cut
            mask = mask.filter(ImageFilter.BoxBlur(blur)).point([round(v * strength) for v in range(256)])
            self.picture.paste(colour, box, mask)

    def cloth(self, polygons: Sequence[np.ndarray], cloth: Image.Image, frame: np.ndarray, owner: int) -> None:
        """Paint polygons in a texture, darker towards their rim.

        Args:
            polygons: (n, 2) canvas pixels each.
            cloth: see `style.texture`.
            frame: (3, 2): where the texture's origin and the ends of its unit vectors lie on the canvas.
            owner: the item.
        """
        blur = max(2, round(0.16 * float(np.hypot(*(frame[2] - frame[0])))))
        cut = self._stencil(polygons, blur)
        if cut is None:
            return
        mask, box = cut
        self._own(mask, box, owner)
        size = (box[2] - box[0], box[3] - box[1])
        patch = cloth.transform(size, Image.Transform.AFFINE, _affine(frame, box), Image.Resampling.BILINEAR)
        self.picture.paste(patch, box, mask)
        rim = mask.filter(ImageFilter.BoxBlur(blur)).filter(ImageFilter.BoxBlur(blur))
        rim = rim.point([round((255 - v) * SHADE) for v in range(256)])
        self.picture.paste((16, 14, 30), box, ImageChops.multiply(rim, mask))

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Draw an open line, (n, 2) canvas pixels; it covers nothing."""
        draw = ImageDraw.Draw(self.picture)
        draw.line([(float(x), float(y)) for x, y in points], fill=colour, width=max(1, round(width)), joint="curve")

    def _stencil(self, polygons: Sequence[np.ndarray], margin: int) -> tuple[Image.Image, Box] | None:
        """The polygons as a mask of their bounding box; None where they miss the canvas."""
        points = np.concatenate(polygons)
        low = np.maximum(np.floor(points.min(0)).astype(int) - margin, 0)
        high = np.minimum(np.ceil(points.max(0)).astype(int) + 1 + margin, self.picture.size)
        if (high <= low).any():
            return None
        mask = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])))
        draw = ImageDraw.Draw(mask)
        for polygon in polygons:
            draw.polygon([(float(x), float(y)) for x, y in polygon - low], fill=255)
        return mask, (int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def _own(self, mask: Image.Image, box: Box, owner: int) -> None:
        self.owner.paste(owner, box, mask)
        if owner != NOBODY:
            shape = self.shapes.setdefault(owner, Image.new("L", self.picture.size))
            shape.paste(255, box, mask)


def _affine(frame: np.ndarray, box: Box) -> tuple[float, ...]:
    """Coefficients that take a pixel of the box to a texel."""
    axes = np.linalg.inv((frame[1:] - frame[0]).T) * TEXELS
    shift = axes @ (np.array(box[:2]) - frame[0]) + EXTENT * TEXELS / 2
    return (*axes[0].tolist(), float(shift[0]), *axes[1].tolist(), float(shift[1]))
