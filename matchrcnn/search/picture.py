"""The answers of a search as one picture: the photo, and a row of matches for each of its garments."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from matchrcnn.reporting.drawing import DrawnItem, draw_items
from matchrcnn.search.find import Answer, Garment

TILE, GAP, CAPTION = 160, 12, 22
PHOTO_EDGE = 420
MARGIN = 0.08
"""Of a box's sides, shown around it."""


def draw_answers(photo: Path, answers: list[Answer]) -> Image.Image:
    """The photo with its garments boxed, above a row for each: the garment, then its matches with their similarity."""
    with Image.open(photo) as file:
        head = draw_items(file, [_drawn(answer.garment) for answer in answers], longer_edge=PHOTO_EDGE)
    columns = 1 + max((len(answer.matches) for answer in answers), default=0)
    width = max(head.width + 2 * GAP, GAP + columns * (TILE + GAP))
    row = TILE + CAPTION + GAP
    sheet = Image.new("RGB", (width, head.height + 2 * GAP + len(answers) * row), "white")
    sheet.paste(head, (GAP, GAP))
    for number, answer in enumerate(answers):
        y = head.height + 2 * GAP + number * row
        _tile(sheet, answer.garment, (GAP, y), _drawn(answer.garment).label)
        for place, match in enumerate(answer.matches, 1):
            _tile(sheet, match.garment, (GAP + place * (TILE + GAP), y), f"{place}: {match.similarity:.3f}")
    return sheet


def _drawn(garment: Garment) -> DrawnItem:
    x1, y1, x2, y2 = garment.box
    return DrawnItem(garment.category_id, box=(x1, y1, x2 - x1, y2 - y1), score=garment.score)


def _tile(sheet: Image.Image, garment: Garment, corner: tuple[int, int], caption: str) -> None:
    with Image.open(garment.file) as file:
        image = file.convert("RGB")
    x1, y1, x2, y2 = garment.box
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    left, top = max(0, round(x1 - dx)), max(0, round(y1 - dy))
    right, bottom = min(image.width, round(x2 + dx)), min(image.height, round(y2 + dy))
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    sheet.paste(ImageOps.pad(part, (TILE, TILE), color="#eeeeee"), corner)
    text = corner[0], corner[1] + TILE + 3
    ImageDraw.Draw(sheet).text(text, caption, fill="black", font=ImageFont.load_default(14))
