"""From DeepFashion2's own layout to one COCO file a split, as a stream: its memory does not grow with the images."""

from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson

from matchrcnn.data.marker import data_set_name
from matchrcnn.data.original.layout import list_split
from matchrcnn.data.original.records import Item, Record
from matchrcnn.data.original.report import SplitReport, split_report, write_report
from matchrcnn.data.original.scan import scan
from matchrcnn.data.original.tally import Tally
from matchrcnn.data.records import CocoImage, UnnumberedAnnotation
from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write
from matchrcnn.taxonomy import CATEGORIES, Category

_ENCODER = msgspec.json.Encoder()


def convert(
    split_root: Path, output: Path, report: Path | None = None, workers: int | None = None, name: str | None = None
) -> SplitReport:
    """Convert one annotated split to COCO annotations; the same files give the same bytes.

    Args:
        split_root: folder with image/ and annos/; nothing in it is changed.
        output: COCO JSON. Annotation ids count from 1 in the order of image and item numbers.
        report: JSON of counts and defects.
        workers: processes; as many as there are cores by default.
        name: the data set in words; None: see `data_set_name`.

    Returns:
        What the report holds.

    Raises:
        UserError: the folder is no annotated split, or no image of it could be converted.
    """
    split = list_split(split_root)
    if not split.annotated:
        raise UserError(f"{split_root}: holds no annos/ folder; a split without annotations cannot be converted")
    total = Tally.of_files(split.defects)
    images: list[bytes] = []
    with atomic_write(output) as file:
        file.write(_head(split_root, data_set_name(split_root.resolve().parent, name)))
        for chunk in scan(split, _encode, workers):
            _write_annotations(file, chunk.annotations, total.items.total() + 1)
            images += chunk.images
            total.merge(chunk.tally)
        file.write(b'\n],"images":[\n' + b",\n".join(images) + b"\n]}\n")
        if not images:
            raise UserError(f"{split_root}: no image could be converted{_first_reason(total)}")
    result = split_report(split.name, total)
    if report:
        write_report(report, result)
    return result


def _head(split_root: Path, name: str) -> bytes:
    info = {"data_set": name, "description": f"{name}, {split_root.name}; keypoints are the category's own landmarks"}
    categories = orjson.dumps([coco_category(category) for category in CATEGORIES])
    return b'{"info":' + orjson.dumps(info) + b',"licenses":[],"categories":' + categories + b',"annotations":['


def coco_category(category: Category) -> dict[str, Any]:
    """An entry of `categories`: its landmarks by their numbers in the definition figure, joined along the outline."""
    outlines = category.panels or (category.outline,)
    edges = [edge for outline in outlines for edge in zip(outline, outline[1:] + outline[:1], strict=True)]
    return {
        "id": category.id,
        "name": category.name,
        "supercategory": "clothes",
        "keypoints": [str(number) for number in range(1, category.count + 1)],
        "skeleton": [[a + 1, b + 1] for a, b in dict.fromkeys([*edges, *category.straps]) if a != b],
    }


def _encode(record: Record) -> tuple[bytes, list[bytes]]:
    image = CocoImage(
        id=record.image_id,
        file_name=record.file_name,
        width=record.width,
        height=record.height,
        source=record.source,
        pair_id=record.pair_id,
    )
    return _ENCODER.encode(image), [_ENCODER.encode(_annotation(record, item)) for item in record.items]


def _annotation(record: Record, item: Item) -> UnnumberedAnnotation:
    x1, y1, x2, y2 = item.bounding_box
    width, height, visibilities = float(x2 - x1), float(y2 - y1), item.landmarks[2::3]
    return UnnumberedAnnotation(
        image_id=record.image_id,
        category_id=item.category_id,
        bbox=[float(x1), float(y1), width, height],
        area=width * height,
        iscrowd=0,
        segmentation=item.segmentation,
        num_keypoints=len(visibilities) - visibilities.count(0),
        keypoints=item.landmarks,
        pair_id=record.pair_id,
        style=item.style,
        source=record.source,
        scale=item.scale,
        occlusion=item.occlusion,
        zoom_in=item.zoom_in,
        viewpoint=item.viewpoint,
    )


def _write_annotations(file: BinaryIO, annotations: list[bytes], first_id: int) -> None:
    for annotation_id, annotation in enumerate(annotations, first_id):
        separator = b"\n" if annotation_id == 1 else b",\n"
        file.write(b'%b{"id":%d,%b' % (separator, annotation_id, annotation[1:]))


def _first_reason(total: Tally) -> str:
    if not total.defects:
        return "; image/ and annos/ are empty"
    first = total.defects[0]
    return f"; the first of {len(total.defects)} reasons is {first.file}: {first.reason}"
