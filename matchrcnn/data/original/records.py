"""One annotation file of DeepFashion2 as a typed record, with every defect of it named.

Validation happens here, once; what comes out is trusted. A defect is fixed where that is safe, noted where the data
are better left as they are, and otherwise costs its item or its image. docs/data.md describes each kind.
"""

import re
from functools import lru_cache
from itertools import chain
from typing import Annotated, Literal

import msgspec

from matchrcnn.taxonomy import CATEGORIES, NUM_CATEGORIES

DEFECTS: dict[str, Literal["fixed", "kept", "item skipped", "image skipped"]] = {
    "box_corners_exchanged": "fixed",
    "box_past_border": "fixed",
    "polygon_of_fewer_than_3_points": "fixed",
    "polygon_with_lone_coordinate": "fixed",
    "unlabelled_landmark_with_position": "fixed",
    "polygon_past_border": "kept",
    "landmark_past_border": "kept",
    "image_without_items": "kept",
    "invalid_item": "item skipped",
    "box_without_area": "item skipped",
    "no_polygon": "item skipped",
    "wrong_number_of_landmarks": "item skipped",
    "unknown_visibility": "item skipped",
    "invalid_annotation": "image skipped",
    "unreadable_picture": "image skipped",
    "picture_without_annotation": "image skipped",
    "annotation_without_picture": "image skipped",
    "unexpected_file": "image skipped",
    "number_used_twice": "image skipped",
}
"""Kind of defect -> what is done about it."""

# No JPEG is wider or higher than 65535 pixels: a coordinate past that is no coordinate.
_LIMIT = 65535
Coordinate = Annotated[int, msgspec.Meta(ge=-_LIMIT, le=_LIMIT)] | Annotated[float, msgspec.Meta(ge=-_LIMIT, le=_LIMIT)]
Level = Annotated[int, msgspec.Meta(ge=1, le=3)]
Identity = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Source = Literal["shop", "user"]


class Item(msgspec.Struct):
    """One clothing item.

    Attributes:
        bounding_box: x1, y1, x2, y2 in pixels; inside the image once read.
        landmarks: x, y, v of the category's own landmarks, flat; v is 0 unlabelled, 1 occluded, 2 visible.
        segmentation: flat polygons x1, y1, x2, y2, ... in pixels.
        style: tells items of one pair_id apart; 0 belongs to no pair.
    """

    category_id: Annotated[int, msgspec.Meta(ge=1, le=NUM_CATEGORIES)]
    style: Identity
    bounding_box: Annotated[list[Coordinate], msgspec.Meta(min_length=4, max_length=4)]
    landmarks: list[Coordinate]
    segmentation: list[list[Coordinate]]
    scale: Level
    occlusion: Level
    zoom_in: Level
    viewpoint: Level


class Record(msgspec.Struct):
    """One image and its items, in the order of their numbers; width and height in pixels."""

    image_id: int
    file_name: str
    width: int
    height: int
    source: Source
    pair_id: int
    items: list[Item]


class Defect(msgspec.Struct, frozen=True):
    """One thing found wrong: its kind (a key of DEFECTS), the file, the item's key ("" for the whole), and why."""

    kind: str
    file: str
    item: str
    reason: str

    @property
    def action(self) -> str:
        """What was done about it."""
        return DEFECTS[self.kind]


class AnnotationError(Exception):
    """An annotation file of which nothing can be used; says why, and how many `items` are lost with it."""

    def __init__(self, reason: str, items: int = 0) -> None:
        super().__init__(reason)
        self.items = items


class Annotation(msgspec.Struct):
    """An annotation file taken apart; its items (all keys but source and pair_id) are not yet read."""

    source: Source
    pair_id: int
    items: dict[str, msgspec.Raw]


Problem = tuple[str, str]
"""Kind of a defect, and why."""

# Not strict: the data set holds 2.0 where 2 is meant.
_FILE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SOURCE = msgspec.json.Decoder(Source)
_PAIR_ID = msgspec.json.Decoder(Identity, strict=False)
_ITEM = msgspec.json.Decoder(Item, strict=False)
_VISIBILITIES = {0, 1, 2}
_NUMBERED = re.compile(r"item([0-9]{1,9})")


def parse_annotation(content: bytes) -> Annotation:
    """Take the content of an annotation file apart; its items come in the order of their numbers.

    Raises:
        AnnotationError: it is no JSON object, or source or pair_id is missing or wrong.
    """
    try:
        fields = _FILE.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AnnotationError(f"not a JSON object: {error}") from None
    source, pair_id = fields.pop("source", None), fields.pop("pair_id", None)
    if source is None or pair_id is None:
        raise AnnotationError(f"{'pair_id' if source else 'source'}: missing", len(fields))
    items = {key: fields[key] for key in sorted(fields, key=_order)}
    try:
        return Annotation(_SOURCE.decode(source), _PAIR_ID.decode(pair_id), items)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AnnotationError(f"source or pair_id: {error}", len(items)) from None


@lru_cache(maxsize=1024)
def _order(key: str) -> tuple[int, int, str]:
    number = _NUMBERED.fullmatch(key)
    return (0, int(number[1]), key) if number else (1, 0, key)


def parse_item(raw: msgspec.Raw, width: int, height: int) -> tuple[Item | None, list[Problem]]:
    """Read one item of an image of `width` x `height` pixels and fix what can be fixed.

    Returns:
        The item, None where it has a defect without fixing; and what was found.
    """
    try:
        item = _ITEM.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return None, [("invalid_item", str(error))]
    problems = _mend_box(item, width, height)
    problems += _mend_polygons(item, width, height)
    problems += _mend_landmarks(item, width, height)
    fatal = [problem for problem in problems if DEFECTS[problem[0]] == "item skipped"]
    return (None, fatal) if fatal else (item, problems)


def _mend_box(item: Item, width: int, height: int) -> list[Problem]:
    x1, y1, x2, y2 = box = item.bounding_box
    problems = []
    if x1 > x2 or y1 > y2:
        x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        problems.append(("box_corners_exchanged", f"bounding_box {box}"))
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
        x1, x2 = max(0, min(x1, width)), max(0, min(x2, width))
        y1, y2 = max(0, min(y1, height)), max(0, min(y2, height))
        problems.append(("box_past_border", f"bounding_box {box}, image {width} x {height}"))
    if (x2 - x1) * (y2 - y1) <= 0:
        return [("box_without_area", f"bounding_box {box}, image {width} x {height}")]
    item.bounding_box = [x1, y1, x2, y2]
    return problems


def _mend_polygons(item: Item, width: int, height: int) -> list[Problem]:
    whole = [polygon for polygon in item.segmentation if len(polygon) >= 6 and len(polygon) % 2 == 0]
    problems = []
    if len(whole) < len(item.segmentation):
        problems = _polygon_problems(item.segmentation)
        item.segmentation = whole
    if not whole:
        return [("no_polygon", "segmentation: no polygon of 3 points or more")]
    numbers = list(chain.from_iterable(whole))
    if min(numbers) < 0 or max(numbers[0::2]) > width or max(numbers[1::2]) > height:
        problems.append(("polygon_past_border", f"segmentation, image {width} x {height}"))
    return problems


def _polygon_problems(polygons: list[list[int | float]]) -> list[Problem]:
    lone = sum(len(polygon) % 2 == 1 for polygon in polygons)
    short = sum(len(polygon) % 2 == 0 and len(polygon) < 6 for polygon in polygons)
    found = (("polygon_with_lone_coordinate", lone), ("polygon_of_fewer_than_3_points", short))
    return [(kind, f"polygons: {count}") for kind, count in found if count]


def _mend_landmarks(item: Item, width: int, height: int) -> list[Problem]:
    landmarks, expected = item.landmarks, CATEGORIES[item.category_id - 1].count
    if len(landmarks) != 3 * expected:
        return [("wrong_number_of_landmarks", f"landmarks: {len(landmarks)} numbers, {3 * expected} expected")]
    xs, ys, visibilities = landmarks[0::3], landmarks[1::3], landmarks[2::3]
    if unknown := set(visibilities) - _VISIBILITIES:
        return [("unknown_visibility", f"landmarks: visibility {min(unknown)}, one of 0, 1, 2 expected")]
    problems = []
    placed = [n for n, v in enumerate(visibilities) if not v and (xs[n] or ys[n])]
    for n in placed:
        landmarks[3 * n : 3 * n + 3] = xs[n], ys[n], _ = 0, 0, 0
    if placed:
        problems.append(("unlabelled_landmark_with_position", f"landmarks {_numbers(placed)}"))
    if min(landmarks) < 0 or max(xs) > width or max(ys) > height:
        past = [n for n in range(expected) if not (0 <= xs[n] <= width and 0 <= ys[n] <= height)]
        problems.append(("landmark_past_border", f"landmarks {_numbers(past)}, image {width} x {height}"))
    return problems


def _numbers(indices: list[int]) -> str:
    return ", ".join(str(index + 1) for index in indices)
