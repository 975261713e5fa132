"""A converted split as detectron2 dataset dicts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectron2.structures import BoxMode

from matchrcnn.errors import UserError
from matchrcnn.files import read_json


@dataclass(frozen=True)
class Split:
    """A converted split: its annotation file, written by `matchrcnn convert`, and the folder of its pictures."""

    annotations: Path
    images: Path


def load_split(split: Split) -> list[dict[str, Any]]:
    """Dataset dicts of a converted split, in the annotation file's order.

    Returns:
        One dict an image: file_name, image_id, height, width, source, pair_id, and `annotations`, whose bbox is xywh in
        pixels and whose category_id is 0..12.

    Raises:
        UserError: the file is not a converted annotation file, or holds no image.
    """
    coco = read_json(split.annotations)
    if not isinstance(coco, dict) or not coco.get("images"):
        raise UserError(f"{split.annotations}: images: none; write the file with `matchrcnn convert`")
    items: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in coco["images"]}
    for annotation in coco["annotations"]:
        annotation["bbox_mode"] = BoxMode.XYWH_ABS
        annotation["category_id"] -= 1
        items[annotation["image_id"]].append(annotation)
    return [_image(image, split.images, items[image["id"]]) for image in coco["images"]]


def _image(image: dict[str, Any], folder: Path, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "file_name": str(folder / image["file_name"]),
        "image_id": image["id"],
        "height": image["height"],
        "width": image["width"],
        "source": image["source"],
        "pair_id": image["pair_id"],
        "annotations": annotations,
    }
