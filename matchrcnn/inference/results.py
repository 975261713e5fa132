"""What a call found, as one JSON file and as COCO files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matchrcnn.files import write_json
from matchrcnn.inference.photos.garment import Garment, as_json, text
from matchrcnn.inference.photos.sources import Source
from matchrcnn.inference.records import Found
from matchrcnn.taxonomy import CATEGORIES

Json = dict[str, Any]


def write_garments(
    path: Path,
    settings: Mapping[str, Any],
    pictures: Sequence[tuple[Source, Path, Found | str]],
    gallery: Path | None,
) -> None:
    """Write everything as one JSON file.

    Args:
        path: the file.
        settings: what was asked for.
        pictures: each source with the picture that was drawn of it, and what was found in it or why it was not read.
        gallery: folder below which files of similar garments are named.
    """
    entries = [_entry(source, drawn.relative_to(path.parent), found, gallery) for source, drawn, found in pictures]
    write_json(path, {**settings, "pictures": entries}, indent=True)


def _entry(source: Source, drawn: Path, found: Found | str, gallery: Path | None) -> Json:
    if isinstance(found, str):
        return {"file": text(source.path), "error": found.encode(errors="replace").decode()}
    width, height = found.size
    garments = [as_json(garment, gallery) for garment in found.garments]
    return {"file": text(source.path), "picture": text(drawn), "width": width, "height": height, "garments": garments}


def write_coco(folder: Path, pictures: Sequence[tuple[Source, Found]], streams: set[str]) -> None:
    """Write images.json, COCO annotations without items, and a result file a stream that refers to it.

    Args:
        folder: of the files.
        pictures: what was read, in order: image ids count them from 1.
        streams: masks and landmarks where they were computed; boxes always are.
    """
    images = [
        {"id": number, "file_name": text(source.path), "width": found.size[0], "height": found.size[1]}
        for number, (source, found) in enumerate(pictures, 1)
    ]
    categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
    write_json(folder / "images.json", {"images": images, "annotations": [], "categories": categories})
    items = [(number, garment) for number, (_, found) in enumerate(pictures, 1) for garment in found.garments]
    write_json(folder / "boxes.json", [_result(*item) for item in items])
    for name in sorted(streams & {"masks", "landmarks"}):
        write_json(folder / f"{name}.json", [_result(*item) | _STREAMS[name](item[1]) for item in items])


def _result(image_id: int, garment: Garment) -> Json:
    x1, y1, x2, y2 = garment.box
    shared = {"image_id": image_id, "category_id": garment.category_id, "score": garment.score}
    return shared | {"bbox": [x1, y1, x2 - x1, y2 - y1]}


def _keypoints(garment: Garment) -> Json:
    return {} if garment.landmarks is None else {"keypoints": garment.landmarks.ravel().tolist()}


_STREAMS = {"masks": lambda garment: {"segmentation": garment.rle}, "landmarks": _keypoints}
