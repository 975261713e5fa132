"""The official 294-wide form of converted annotations and of landmark results, entry by entry.

Both hold the landmarks of an entry's own category; the official form gives every category its place among 294, as
`deepfashion2_to_coco.py` of the DeepFashion2 repository does.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson

from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write
from matchrcnn.taxonomy import CATEGORIES, NUM_CATEGORIES, NUM_LANDMARKS, Category

WIDE = 3 * NUM_LANDMARKS

Widen = Callable[[Category, list[float], dict[str, Any]], list[float]]

_CATEGORIES = {str(category.id): category for category in CATEGORIES}
# Entries are left as bytes until their turn: the released train split has 312,186 of them.
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, Any]])
_SECTIONS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def export(file: Path, output: Path) -> int:
    """Write the official form of converted annotations (a COCO object) or of results (a list).

    Annotations get 0, 0, 0 as the landmarks of other categories. In results these take the centre of the entry's box,
    or where it has none, of its landmarks' bounding box: the official OKS of a ground truth without landmarks measures
    all 294. Entries that are 294 wide already, and results without landmarks, stay as they are.

    Returns:
        The number of annotations or results.

    Raises:
        UserError: the file is neither, or an entry has no known category or a wrong number of landmarks.
    """
    content = _content(file)
    try:
        if content.lstrip()[:1] == b"[":
            return _export_results(file, _ENTRIES.decode(content), output)
        return _export_annotations(file, _SECTIONS.decode(content), output)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{file}: neither COCO annotations nor a list of results ({error})") from None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; give converted annotations or a result file") from None


def _export_results(file: Path, entries: list[msgspec.Raw], output: Path) -> int:
    with atomic_write(output) as stream:
        _write_list(stream, (_widened(file, n, entry, _around_centre) for n, entry in enumerate(entries)))
    return len(entries)


def _export_annotations(file: Path, sections: dict[str, msgspec.Raw], output: Path) -> int:
    if "annotations" not in sections or "images" not in sections:
        raise UserError(f"{file}: images or annotations: missing; write the file with `matchrcnn convert`")
    entries = _ENTRIES.decode(sections["annotations"])
    images = _OBJECTS.decode(sections["images"])
    with atomic_write(output) as stream:
        head = {"info": {}, "licenses": [], "categories": [_official_category(category) for category in CATEGORIES]}
        stream.write(orjson.dumps(head)[:-1] + b',"images":')
        _write_list(stream, (orjson.dumps(_OFFICIAL_IMAGE | image) for image in images))
        stream.write(b',"annotations":')
        _write_list(stream, (_widened(file, n, entry, _among_zeros) for n, entry in enumerate(entries)))
        stream.write(b"}\n")
    return len(entries)


_OFFICIAL_IMAGE = {"coco_url": "", "date_captured": "", "flickr_url": "", "license": 0}


def _official_category(category: Category) -> dict[str, Any]:
    keypoints = [str(number) for number in range(1, NUM_LANDMARKS + 1)]
    return {
        "id": category.id,
        "name": category.name,
        "supercategory": "clothes",
        "keypoints": keypoints,
        "skeleton": [],
    }


def _write_list(stream: BinaryIO, entries: Iterable[bytes]) -> None:
    stream.write(b"[")
    for n, entry in enumerate(entries):
        stream.write(b",\n" + entry if n else b"\n" + entry)
    stream.write(b"\n]")


def _widened(file: Path, n: int, raw: msgspec.Raw, widen: Widen) -> bytes:
    entry = msgspec.json.decode(raw)
    if not isinstance(entry, dict):
        raise UserError(f"{file}: entry {n}: an object is expected, found {str(entry)[:40]}")
    if "keypoints" not in entry:
        return bytes(raw)
    keypoints = entry["keypoints"]
    category = _CATEGORIES.get(str(entry.get("category_id")))
    if category is None:
        found = f"{entry.get('category_id')!r:.40}"
        raise UserError(f"{file}: entry {n}: category_id: {found}, one of 1..{NUM_CATEGORIES} is expected")
    length = len(keypoints) if isinstance(keypoints, list) else -1
    if length == WIDE:
        return bytes(raw)
    if length != 3 * category.count:
        expected = f"{3 * category.count} ({category.name}) or {WIDE} numbers are expected"
        raise UserError(f"{file}: entry {n}: keypoints: {max(length, 0)} numbers, {expected}")
    try:
        entry["keypoints"] = widen(category, keypoints, entry)
    except (TypeError, ValueError):
        raise UserError(f"{file}: entry {n}: bbox or keypoints: four and {length} numbers are expected") from None
    return orjson.dumps(entry)


def _among_zeros(category: Category, keypoints: list[float], entry: dict[str, Any]) -> list[float]:
    return _placed(category, keypoints, [0, 0, 0])


def _around_centre(category: Category, keypoints: list[float], entry: dict[str, Any]) -> list[float]:
    if "bbox" in entry:
        x, y, width, height = entry["bbox"]
        return _placed(category, keypoints, [x + width / 2, y + height / 2, 0])
    xs, ys = keypoints[0::3], keypoints[1::3]
    return _placed(category, keypoints, [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, 0])


def _placed(category: Category, keypoints: list[float], other: list[float]) -> list[float]:
    before, after = category.offset, NUM_LANDMARKS - category.offset - category.count
    return other * before + keypoints + other * after
