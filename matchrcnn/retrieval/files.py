"""Retrieval in the official file formats, as columns.

Ground truth is two files, one of user items (queries; those of style 0 only take detections away) and one of shop
items; a result file holds the retrieved shop boxes of every detection in a user image. Boxes are x1, y1, x2, y2.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from matchrcnn.errors import UserError
from matchrcnn.files import no_json, read_json, unreadable, without_mark, write_json
from matchrcnn.subsets import OVERALL, column_bits
from matchrcnn.tasks import EMBEDDINGS
from matchrcnn.taxonomy import ATTRIBUTES, NUM_CATEGORIES

TOP = 20
"""Retrieved boxes that count."""

Box = tuple[float, float, float, float]
Level = Annotated[int, msgspec.Meta(ge=1, le=3)]
CategoryId = Annotated[int, msgspec.Meta(ge=1, le=NUM_CATEGORIES)]
Style = Annotated[int, msgspec.Meta(ge=0)]
Row = TypeVar("Row", bound=msgspec.Struct)


class _Query(msgspec.Struct):
    query_image_id: int
    bbox: Box
    cls: CategoryId
    pair_id: int
    style: Style
    # not part of the official format: `matchrcnn` writes them, and has subset columns where they are given
    scale: Level | None = None
    occlusion: Level | None = None
    zoom_in: Level | None = None
    viewpoint: Level | None = None


class _Shop(msgspec.Struct):
    gallery_image_id: int
    bbox: Box
    pair_id: int
    style: Style


class _Retrieved(msgspec.Struct):
    query_image_id: int
    query_bbox: Box
    query_cls: CategoryId
    query_score: float
    gallery_image_id: list[int]
    gallery_bbox: list[Box]


@dataclass(frozen=True, eq=False)
class QueryItems:
    """The ground-truth items of the user images, style 0 included.

    Attributes:
        image_ids: (N,) int64.
        boxes: (N, 4) float64, x1, y1, x2, y2 in pixels.
        categories: (N,) int64, 1..13.
        pair_ids, styles: (N,) int64.
        columns: bits of the subsets that each item belongs to, (N,) uint16; see `subsets`.
    """

    image_ids: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    pair_ids: np.ndarray
    styles: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True, eq=False)
class GalleryItems:
    """The ground-truth items of the shop images: (N, ...) as in `QueryItems`."""

    image_ids: np.ndarray
    boxes: np.ndarray
    pair_ids: np.ndarray
    styles: np.ndarray


@dataclass(frozen=True, eq=False)
class Retrieved:
    """The shop boxes retrieved for every detection in the user images.

    Attributes:
        image_ids: (R,) int64, the user image.
        boxes: (R, 4) float64, x1, y1, x2, y2 in pixels.
        categories: (R,) int64, 1..13.
        scores: (R,) float64.
        counts: (R,) int64, boxes retrieved, at most 20.
        gallery_image_ids: (R, 20) int64, best first; only the first `counts` of a row are valid.
        gallery_boxes: (R, 20, 4) float64, x1, y1, x2, y2 in pixels.
    """

    image_ids: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    scores: np.ndarray
    counts: np.ndarray
    gallery_image_ids: np.ndarray
    gallery_boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.image_ids)


class Known(NamedTuple):
    """A file of ground truth and the ids of the images that it names, (n,) int64."""

    path: Path
    image_ids: np.ndarray


class SplitItems(NamedTuple):
    """Retrieval's ground truth in a converted split.

    Attributes:
        queries: items of user images.
        gallery: items of shop images.
        image_ids: all images of the split, with and without items, (I,) int64.
    """

    queries: QueryItems
    gallery: GalleryItems
    image_ids: np.ndarray


def result_file(results: Path, protocol: str) -> Path:
    """Return the result file of a protocol of retrieval (`tasks.PROTOCOLS`) in a run's folder of results."""
    return results / f"{_FILES[protocol]}.json"


_FILES = {score.protocol: score.file for score in EMBEDDINGS.scores}


def read_queries(path: Path) -> QueryItems:
    """Read a query ground-truth file.

    Raises:
        UserError: it is missing, not JSON, or not of the format, or a box has x2 < x1 or y2 < y1; the message names
            the entry and the field.
    """
    items = _query_items(_read(path, _Query, "query ground-truth"))
    _check_boxes(path, "bbox", items.boxes, np.arange(len(items.boxes)))
    return items


def read_gallery(path: Path) -> GalleryItems:
    """Read a gallery ground-truth file; errors as in `read_queries`."""
    items = _gallery_items(_read(path, _Shop, "gallery ground-truth"))
    _check_boxes(path, "bbox", items.boxes, np.arange(len(items.boxes)))
    return items


def read_split(annotations: Path) -> SplitItems:
    """Return queries, gallery and images of a converted split; errors as in `ground_truth_entries`."""
    content = _converted(annotations)
    queries, gallery = _entries(annotations, content)
    return SplitItems(
        _query_items(msgspec.convert(queries, list[_Query])),
        _gallery_items(msgspec.convert(gallery, list[_Shop])),
        np.array([image["id"] for image in content["images"]], np.int64),
    )


def split_items(annotations: Path) -> tuple[QueryItems, GalleryItems]:
    """Return queries and gallery of a converted split; errors as in `ground_truth_entries`."""
    return read_split(annotations)[:2]


def _query_items(rows: list[_Query]) -> QueryItems:
    levels = [[getattr(row, name) for name in ATTRIBUTES] for row in rows]
    whole = bool(rows) and all(level is not None for row in levels for level in row)
    columns = column_bits(np.array(levels, np.int64)) if whole else np.full(len(rows), 1 << OVERALL, np.uint16)
    return QueryItems(
        image_ids=np.array([row.query_image_id for row in rows], np.int64),
        boxes=_boxes([row.bbox for row in rows]),
        categories=np.array([row.cls for row in rows], np.int64),
        pair_ids=np.array([row.pair_id for row in rows], np.int64),
        styles=np.array([row.style for row in rows], np.int64),
        columns=columns,
    )


def _gallery_items(rows: list[_Shop]) -> GalleryItems:
    return GalleryItems(
        image_ids=np.array([row.gallery_image_id for row in rows], np.int64),
        boxes=_boxes([row.bbox for row in rows]),
        pair_ids=np.array([row.pair_id for row in rows], np.int64),
        styles=np.array([row.style for row in rows], np.int64),
    )


def read_retrieved(path: Path) -> Retrieved:
    """Read a result file of any framework; it may have fewer than 20 retrieved boxes, and more are cut off.

    Raises:
        UserError: as in `read_queries`, or an entry does not have one box for each retrieved image.
    """
    rows = _read(path, _Retrieved, "retrieval result")
    for index, row in enumerate(rows):
        if len(row.gallery_image_id) != len(row.gallery_bbox):
            found = f"{len(row.gallery_bbox)} boxes for {len(row.gallery_image_id)} images"
            raise UserError(f"{path}: [{index}].gallery_bbox: {found}; give one box for each gallery_image_id")
    counts = np.array([min(len(row.gallery_bbox), TOP) for row in rows], np.int64)
    image_ids, boxes = np.zeros((len(rows), TOP), np.int64), np.zeros((len(rows), TOP, 4))
    valid = np.arange(TOP) < counts[:, None]
    image_ids[valid] = [image for row in rows for image in row.gallery_image_id[:TOP]]
    boxes[valid] = _boxes([box for row in rows for box in row.gallery_bbox[:TOP]])
    query_boxes = _boxes([row.query_bbox for row in rows])
    _check_boxes(path, "query_bbox", query_boxes, np.arange(len(rows)))
    _check_boxes(path, "gallery_bbox", boxes[valid], np.nonzero(valid)[0])
    return Retrieved(
        image_ids=np.array([row.query_image_id for row in rows], np.int64),
        boxes=query_boxes,
        categories=np.array([row.query_cls for row in rows], np.int64),
        scores=np.array([row.query_score for row in rows], np.float64),
        counts=counts,
        gallery_image_ids=image_ids,
        gallery_boxes=boxes,
    )


def check_images(path: Path, retrieved: Retrieved, query: Known, gallery: Known, whole: bool) -> None:
    """Refuse results whose images are not those of the ground truth: nothing in them could be right.

    Args:
        path: the result file, for the message.
        retrieved: what it holds.
        query: images that the ground truth names and that may hold queries.
        gallery: images that it names and that may hold gallery items.
        whole: whether these are all images of the split, so that every other id is wrong; official files name images
            with items only, and there it is wrong that not one id is known.

    Raises:
        UserError: an image is of another split.
    """
    row, rank = np.nonzero(np.arange(TOP) < retrieved.counts[:, None])
    named = (
        ("query_image_id", retrieved.image_ids, np.arange(len(retrieved)), query),
        ("gallery_image_id", retrieved.gallery_image_ids[row, rank], row, gallery),
    )
    for field, ids, entries, known in named:
        unknown = ~np.isin(ids, known.image_ids)
        if unknown.any() if whole else len(ids) and unknown.all():
            at = int(np.argmax(unknown))
            others = "" if whole else f", and of {len(ids)} it lists not one"
            found = f"entry {entries[at]} has {field} {ids[at]}, which {known.path} does not list{others}"
            raise UserError(f"{path}: {found}; is it of another split?")


def write_retrieved(path: Path, retrieved: Retrieved) -> None:
    """Write a result file in the official format."""
    rows = [
        {
            "query_image_id": int(retrieved.image_ids[row]),
            "query_bbox": retrieved.boxes[row],
            "query_cls": int(retrieved.categories[row]),
            "query_score": float(retrieved.scores[row]),
            "gallery_image_id": retrieved.gallery_image_ids[row, :count],
            "gallery_bbox": retrieved.gallery_boxes[row, :count],
        }
        for row, count in enumerate(retrieved.counts)
    ]
    write_json(path, rows)


def ground_truth_entries(annotations: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Query and gallery entries of a converted split, in the official formats; queries also have their attributes.

    Raises:
        UserError: the file is missing, or not a converted annotation file, or a box has a negative width or height.
    """
    return _entries(annotations, _converted(annotations))


def _converted(annotations: Path) -> dict[str, Any]:
    content = read_json(annotations)
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise UserError(f"{annotations}: not a converted annotation file; `matchrcnn convert` writes one")
    return content


def _entries(annotations: Path, content: dict[str, Any]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    queries, gallery = [], []
    for index, item in enumerate(content["annotations"]):
        x, y, width, height = item["bbox"]
        if width < 0 or height < 0:
            place = f"annotations[{index}].bbox: {item['bbox']}"
            raise UserError(f"{annotations}: {place}; width and height must not be < 0")
        shared = {"bbox": [x, y, x + width, y + height], "pair_id": item["pair_id"], "style": item["style"]}
        if item["source"] == "user":
            levels = {name: item[name] for name in ATTRIBUTES}
            queries.append({"query_image_id": item["image_id"], "cls": item["category_id"], **shared, **levels})
        else:
            gallery.append({"gallery_image_id": item["image_id"], **shared})
    return queries, gallery


def write_ground_truth(annotations: Path, query: Path, gallery: Path) -> None:
    """Write the two ground-truth files of a converted split; errors as in `ground_truth_entries`."""
    queries, items = ground_truth_entries(annotations)
    write_json(query, queries)
    write_json(gallery, items)


def _read(path: Path, row: type[Row], kind: str) -> list[Row]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        return msgspec.json.decode(without_mark(content), type=list[row])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: not a {kind} file of DeepFashion2: {error}") from None
    except msgspec.DecodeError as error:
        raise no_json(path, content, error) from None


def _boxes(boxes: list[Box]) -> np.ndarray:
    return np.array(boxes, np.float64).reshape(-1, 4)


def _check_boxes(path: Path, field: str, boxes: np.ndarray, entries: np.ndarray) -> None:
    """Refuse boxes (n, 4) with exchanged corners, or with width and height for the second one; names the entry."""
    wrong = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if wrong.any():
        at = int(np.argmax(wrong))
        found = f"[{entries[at]}].{field}: {boxes[at].tolist()} has x2 < x1 or y2 < y1"
        raise UserError(f"{path}: {found}; x1, y1, x2, y2 are expected, not x, y, width, height")
