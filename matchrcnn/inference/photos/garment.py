"""The garments of a photo as small typed values, as JSON and as rows of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np

from matchrcnn.masks import RunLengths, decode
from matchrcnn.taxonomy import category

if TYPE_CHECKING:
    import pandas as pd

Box = tuple[float, float, float, float]

COLUMNS = ("picture", "category_id", "category", "score", "x1", "y1", "x2", "y2", "mask", "landmarks")


@dataclass(frozen=True, eq=False)
class Garment:
    """A garment in a picture; coordinates are pixels of the upright picture, (0, 0) its top left corner.

    Attributes:
        category_id: 1..13.
        score: confidence of the detector, 0..1.
        box: x1, y1, x2, y2.
        rle: the mask as COCO run lengths; None without a mask stream.
        landmarks: (count, 3) float64, x, y and score of each of the category's landmarks, in the taxonomy's order;
            None without a landmark stream.
        similar: garments of a gallery, most similar first; empty without an index.
    """

    category_id: int
    score: float
    box: Box
    rle: RunLengths | None = None
    landmarks: np.ndarray | None = None
    similar: tuple["Similar", ...] = ()

    @property
    def category(self) -> str:
        """The category's name."""
        return category(self.category_id).name

    @property
    def mask(self) -> np.ndarray | None:
        """The mask, (H, W) bool of the whole picture, decoded at each access."""
        return None if self.rle is None else decode(self.rle)


@dataclass(frozen=True, eq=False)
class Similar:
    """A garment of the gallery.

    Attributes:
        file: its picture.
        garment: its category, score and box there.
        similarity: the match network's probability that it is the same piece, 0..1.
    """

    file: Path
    garment: Garment
    similarity: float


class GarmentJson(TypedDict):
    """A garment as a JSON value: box x1, y1, x2, y2 in pixels, landmarks [x, y, score]; see `Garment`."""

    category: str
    category_id: int
    score: float
    box: list[float]
    mask: NotRequired[RunLengths]
    landmarks: NotRequired[list[list[float]]]
    similar: NotRequired[list["SimilarJson"]]


class SimilarJson(GarmentJson):
    """A garment of the gallery as a JSON value; `file` is its picture below the gallery's folder."""

    file: str
    similarity: float


def as_json(garment: Garment, gallery: Path | None = None) -> GarmentJson:
    """Return a garment as a JSON value; a stream that was not computed is left out.

    Args:
        garment: any.
        gallery: folder below which files of similar garments are named.
    """
    value: GarmentJson = {
        "category": garment.category,
        "category_id": garment.category_id,
        "score": garment.score,
        "box": list(garment.box),
    }
    if garment.rle is not None:
        value["mask"] = garment.rle
    if garment.landmarks is not None:
        value["landmarks"] = garment.landmarks.tolist()
    if gallery is not None:
        value["similar"] = [
            {"file": text(each.file.relative_to(gallery)), "similarity": each.similarity, **as_json(each.garment)}
            for each in garment.similar
        ]
    return value


def from_json(value: GarmentJson, gallery: Path | None = None) -> Garment:
    """Return the garment of a value of `as_json`."""
    x1, y1, x2, y2 = value["box"]
    similar = [
        Similar((gallery or Path()) / each["file"], from_json(each), each["similarity"])
        for each in value.get("similar", [])
    ]
    landmarks = np.array(value["landmarks"]) if "landmarks" in value else None
    box = (x1, y1, x2, y2)
    return Garment(value["category_id"], value["score"], box, value.get("mask"), landmarks, tuple(similar))


def text(path: Path) -> str:
    """Return a path for JSON; bytes that are not UTF-8 become question marks."""
    return path.as_posix().encode(errors="replace").decode()


def as_table(found: Iterable[tuple[str, Sequence[Garment]]]) -> "pd.DataFrame":
    """Return a table with a row for each garment.

    Args:
        found: name of a picture, and its garments.

    Returns:
        Columns picture, category_id, category, score, x1, y1, x2, y2, mask (COCO's RLE counts, None without one) and
        landmarks (a list of [x, y, score], None without).
    """
    import pandas as pd

    rows = [_row(name, garment) for name, garments in found for garment in garments]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, garment: Garment) -> tuple[object, ...]:
    landmarks = None if garment.landmarks is None else garment.landmarks.tolist()
    counts = None if garment.rle is None else garment.rle["counts"]
    return name, garment.category_id, garment.category, garment.score, *garment.box, counts, landmarks
