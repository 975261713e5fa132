"""Whether runs have learned on drawings: on photographs their garments and scores then mean little."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from matchrcnn.data.marker import SAMPLE
from matchrcnn.errors import UserError
from matchrcnn.files import read_json
from matchrcnn.project import TRAINING

CORNER = "trained on drawings, not on photographs"
"""Written into the corner of each picture."""


def drawing_runs(runs: Iterable[Path]) -> list[str]:
    """Return the names of those runs, folders, that were trained on the sample data; a run that says nothing is none.

    Their files training.json say so.
    """
    return [run.name for run in runs if _data_set(run / TRAINING) == SAMPLE]


def drawings_note(runs: Iterable[Path]) -> str | None:
    """Return what to tell a user about runs that were trained on drawings, and what to do; None for other runs."""
    names = drawing_runs(runs)
    if not names:
        return None
    were = "was" if len(names) == 1 else "were"
    return (
        f"{', '.join(names)} {were} trained on drawings (the sample data): garments and scores found in photographs "
        "mean little; train on DeepFashion2 for photographs (README)"
    )


def with_corner(picture: Image.Image, runs: Iterable[Path]) -> Image.Image:
    """Return a picture that says in its lower left corner that the runs were trained on drawings, where they were.

    A picture that is too small for the text stays as it is.
    """
    if not drawing_runs(runs):
        return picture
    font = ImageFont.load_default(max(10, min(28, picture.width // 40)))
    left, top, right, bottom = ImageDraw.Draw(picture).textbbox((0, 0), CORNER, font=font)
    width, height = int(right - left) + 12, int(bottom - top) + 8
    if width > picture.width or height > picture.height:
        return picture
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    y = picture.height - height
    draw.rectangle((0, y, width, picture.height), fill="white")
    draw.text((6 - left, y + 4 - top), CORNER, fill="black", font=font)
    return picture


def _data_set(path: Path) -> object:
    try:
        return read_json(path).get("data")
    except (UserError, AttributeError):
        return None
