"""Write the garments of a call as one JSON file and as COCO files."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from matchrcnn.files import write_json
from matchrcnn.inference.photos.garment import Garment, as_json, text
from matchrcnn.inference.photos.sources import Source
from matchrcnn.inference.records import Found
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES

Json = dict[str, object]


def write_garments(
    path: Path,
    settings: Mapping[str, object],
    pictures: Sequence[tuple[Source, Path, Found | str]],
    gallery: Path | None,
) -> None:
    """Write everything as one JSON file.

    Args:
        path: the file.
        settings: of the call.
        pictures: each source with the picture that was drawn of it, and its garments or why it was not read.
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


def write_coco(folder: Path, pictures: Sequence[tuple[Source, Found]], streams: Collection[Stream]) -> None:
    """Write images.json, COCO annotations without items, and a result file per stream that refers to it.

    Args:
        folder: of the files.
        pictures: those that were read; image ids count them from 1.
        streams: masks and landmarks where they were computed; boxes always are.
    """
    images = [
        {"id": number, "file_name": text(source.path), "width": found.size[0], "height": found.size[1]}
        for number, (source, found) in enumerate(pictures, 1)
    ]
    categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
    write_json(folder / "images.json", {"images": images, "annotations": [], "categories": categories})
    items = [(number, garment) for number, (_, found) in enumerate(pictures, 1) for garment in found.garments]
    for stream in (BOXES, *(each for each in _PAYLOADS if each in streams)):
        entries = [_result(*item) | _payload(stream, item[1]) for item in items]
        write_json(folder / f"{stream.files[0]}.json", entries)


def _result(image_id: int, garment: Garment) -> Json:
    x1, y1, x2, y2 = garment.box
    shared = {"image_id": image_id, "category_id": garment.category_id, "score": garment.score}
    return shared | {BOXES.payload: [x1, y1, x2 - x1, y2 - y1]}


def _payload(stream: Stream, garment: Garment) -> Json:
    value = _PAYLOADS[stream](garment) if stream in _PAYLOADS else None
    return {} if value is None else {stream.payload: value}


_PAYLOADS: dict[Stream, Callable[[Garment], object]] = {
    MASKS: lambda garment: garment.rle,
    LANDMARKS: lambda garment: None if garment.landmarks is None else garment.landmarks.ravel().tolist(),
}
