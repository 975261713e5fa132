"""The report's gallery as pictures for MLflow: truth and prediction, or a query and what was retrieved, in one each."""

from collections import Counter
from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from matchrcnn.project import Run
from matchrcnn.reporting.gallery.detections import Picture as GalleryPicture
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.gallery.retrieval import QueryRow
from matchrcnn.tracking.sync import Picture

COUNT = 12
"""Pictures of a run, a third each best, worst and random."""

GAP, CAPTION, FRAME = 6, 22, 4
QUERY, HIT, MISS = "white", "#228833", "#BBBBBB"


def gallery_pictures(galleries: Galleries, run: Run) -> Iterator[Picture]:
    """Draw pictures of a run's gallery, under the keys `gallery/best`, `gallery/worst` and `gallery/random`.

    Raises:
        UserError: annotations or results are wrong.
    """
    place: Counter[str] = Counter()
    for pick, drawn in _drawn(galleries, run):
        place[pick] += 1
        yield Picture(f"gallery/{pick}", place[pick], drawn)


def _drawn(galleries: Galleries, run: Run) -> Iterator[tuple[str, Image.Image]]:
    if detected := galleries.detected(run, COUNT):
        yield from ((picture.pick, truth_and_prediction(picture)) for picture in detected.pictures)
    if retrieved := galleries.retrieved(run, COUNT):
        yield from ((row.pick, query_row(row)) for row in retrieved.pictures)


def truth_and_prediction(picture: GalleryPicture) -> Image.Image:
    """Return truth and prediction next to each other."""
    return _side_by_side([(f"{picture.name}: truth", picture.truth), ("prediction", picture.prediction)])


def query_row(row: QueryRow) -> Image.Image:
    """Return the query, then what was retrieved for it: hits framed green."""
    parts = [(f"query: {row.errors[0]}", ImageOps.expand(row.query.picture, FRAME, QUERY))]
    for rank, crop in enumerate(row.crops, 1):
        parts.append((str(rank), ImageOps.expand(crop.picture, FRAME, HIT if crop.hit else MISS)))
    return _side_by_side(parts)


def _side_by_side(parts: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures in a row, each below its caption, on white."""
    font = ImageFont.load_default(14)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    widths = [max(image.width, round(measure.textlength(text, font=font))) + GAP for text, image in parts]
    sheet = Image.new("RGB", (sum(widths), CAPTION + max(image.height for _, image in parts)), "white")
    draw, x = ImageDraw.Draw(sheet), 0
    for (text, image), width in zip(parts, widths, strict=True):
        draw.text((x + 2, 2), text, fill="black", font=font)
        sheet.paste(image, (x, CAPTION))
        x += width
    return sheet
