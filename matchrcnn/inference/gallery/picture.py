"""The answers of a search as one picture: the photo, and a row of similar garments for each of its own."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from matchrcnn.inference.photos.drawing import draw_garments
from matchrcnn.inference.photos.garment import Garment
from matchrcnn.inference.photos.reading import Photo, read_photo

TILE, GAP, CAPTION = 160, 12, 22
PHOTO_EDGE = 420
MARGIN = 0.08
"""Of a box's sides, shown around it."""


def draw_similar(photo: Photo, garments: Sequence[Garment], head: Image.Image | None = None) -> Image.Image:
    """The photo with its garments, above a row for each: the garment, then similar ones with their similarity.

    Args:
        photo: the photo.
        garments: found in it, with what is similar to them.
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
    image, scale = photo.image, photo.image.width / photo.size[0]
    x1, y1, x2, y2 = (value * scale for value in garment.box)
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    left, top = max(0, round(x1 - dx)), max(0, round(y1 - dy))
    right, bottom = min(image.width, round(x2 + dx)), min(image.height, round(y2 + dy))
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    sheet.paste(ImageOps.pad(part, (TILE, TILE), color="#eeeeee"), corner)
    text = corner[0], corner[1] + TILE + 3
    ImageDraw.Draw(sheet).text(text, caption, fill="black", font=ImageFont.load_default(14))
