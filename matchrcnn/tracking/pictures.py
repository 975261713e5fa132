"""The report's gallery as pictures for MLflow: truth and prediction, or a query and what was retrieved, in one each."""

import base64
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from matchrcnn.project import Run
from matchrcnn.reporting.gallery.detections import Picture as GalleryPicture
from matchrcnn.reporting.gallery.detections import build_gallery, load_truth
from matchrcnn.reporting.gallery.retrieval import QueryRow, build_retrieval_gallery
from matchrcnn.tracking.sync import Picture

COUNT = 12
"""Pictures of a run, a third each best, worst and random."""

GAP, CAPTION = 6, 22
HIT, MISS = "#228833", "#BBBBBB"


def gallery_pictures(run: Run, annotations: Path, images: Path, seed: int) -> Iterator[Picture]:
    """Pictures of a run's gallery, under the keys `gallery/best`, `gallery/worst` and `gallery/random`."""
    rows: Sequence[GalleryPicture | QueryRow]
    if not run.task.by_category:
        retrieval = build_retrieval_gallery(run, annotations, images, COUNT, seed)
        rows = retrieval.pictures if retrieval else ()
    else:
        gallery = build_gallery(run, load_truth(annotations), images, COUNT, seed)
        rows = gallery.pictures if gallery else ()
    place: Counter[str] = Counter()
    for row in rows:
        place[row.pick] += 1
        drawn = _truth_and_prediction(row) if isinstance(row, GalleryPicture) else _query_row(row)
        yield Picture(f"gallery/{row.pick}", place[row.pick], drawn)


def _truth_and_prediction(picture: GalleryPicture) -> Image.Image:
    parts = [(f"{picture.name}: truth", _decoded(picture.truth)), ("prediction", _decoded(picture.prediction))]
    return _side_by_side(parts)


def _query_row(row: QueryRow) -> Image.Image:
    """The query, then what was retrieved: hits framed green."""
    parts = []
    for rank, crop in enumerate(row.crops):
        color = "white" if crop.hit is None else HIT if crop.hit else MISS
        label = f"query: {row.errors[0]}" if crop.hit is None else str(rank)
        parts.append((label, ImageOps.expand(_decoded(crop.picture), 4, color)))
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


def _decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")
