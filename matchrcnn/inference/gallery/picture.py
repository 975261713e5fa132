"""The result of a search as one picture: the photo, and a row of similar garments for each of its garments."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from matchrcnn.drawing import crop
from matchrcnn.inference.photos.drawing import draw_garments
from matchrcnn.inference.photos.garment import Garment
from matchrcnn.inference.photos.reading import Photo, read_photo

TILE, GAP, CAPTION = 160, 12, 22
PHOTO_EDGE = 420
MARGIN = 0.08
"""Shown around a box, as a fraction of its width and height."""


def draw_similar(photo: Photo, garments: Sequence[Garment], head: Image.Image | None = None) -> Image.Image:
    """Draw the photo with its garments, above a row for each: the garment, then similar ones with their similarity.

    Args:
        photo: the photo.
        garments: found in it, each with its similar garments.
        head: the picture above the rows; None: the photo with its garments, at 420 pixels.
    """
    head = head or draw_garments(photo, garments, PHOTO_EDGE)
    columns = 1 + max((len(garment.similar) for garment in garments), default=0)
    width = max(head.width + 2 * GAP, GAP + columns * (TILE + GAP))
    row = TILE + CAPTION + GAP
    sheet = Image.new("RGB", (width, head.height + 2 * GAP + len(garments) * row), "white")
    sheet.paste(head, (GAP, GAP))
    for number, garment in enumerate(garments):
        y = head.height + 2 * GAP + number * row
        _tile(sheet, photo, garment, (GAP, y), f"{garment.category} {garment.score:.2f}")
        for place, found in enumerate(garment.similar, 1):
            corner = (GAP + place * (TILE + GAP), y)
            _tile(sheet, read_photo(found.file), found.garment, corner, f"{place}: {found.similarity:.3f}")
    return sheet


def _tile(sheet: Image.Image, photo: Photo, garment: Garment, corner: tuple[int, int], caption: str) -> None:
    scale = photo.image.width / photo.size[0]
    x1, y1, x2, y2 = (value * scale for value in garment.box)
    part = crop(photo.image, (x1, y1, x2, y2), MARGIN)
    sheet.paste(ImageOps.pad(part, (TILE, TILE), color="#eeeeee"), corner)
    text = corner[0], corner[1] + TILE + 3
    ImageDraw.Draw(sheet).text(text, caption, fill="black", font=ImageFont.load_default(14))
