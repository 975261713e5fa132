"""Data sets in the original layout, small enough to write in a test."""

import copy
import json
from pathlib import Path
from typing import Any

from PIL import Image

from matchrcnn.taxonomy import CATEGORIES

EXAMPLE = Path(__file__).parents[1] / "data_files/example_annotation.json"
WIDTH, HEIGHT = 100, 80
TRIANGLE = [10, 20, 60, 20, 60, 70]


def make_item(category: int = 9, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    """A faultless item for an image of 100 x 80 pixels, with some fields changed; ... removes a field."""
    count = CATEGORIES[category - 1].count
    item = {
        "category_id": category,
        "category_name": CATEGORIES[category - 1].name,
        "style": 1,
        "bounding_box": [10, 20, 60, 70],
        "landmarks": [number for n in range(count) for number in (10 + n, 20 + n, 1 + n % 2)],
        "segmentation": [TRIANGLE],
        "scale": 2,
        "occlusion": 1,
        "zoom_in": 1,
        "viewpoint": 2,
    }
    return {key: value for key, value in (item | copy.deepcopy(changes)).items() if value is not ...}


def make_annotation(*items: Any, source: Any = "user", pair_id: Any = 1) -> dict[str, Any]:  # noqa: ANN401
    """An annotation file's content: item1, item2, ..."""
    return {f"item{n}": item for n, item in enumerate(items, 1)} | {"source": source, "pair_id": pair_id}


def write_split(root: Path, annotations: dict[str, Any], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Write a split: stem -> annotation, or its bytes as they are, each with a picture."""
    for name in ("image", "annos"):
        (root / name).mkdir(parents=True)
    for stem, annotation in annotations.items():
        content = annotation if isinstance(annotation, bytes) else json.dumps(annotation).encode()
        (root / "annos" / f"{stem}.json").write_bytes(content)
        Image.new("RGB", size, "white").save(root / "image" / f"{stem}.jpg")
    return root


QUIRKS: dict[str, Any] = {
    "box_corners_exchanged": make_annotation(make_item(bounding_box=[60, 20, 10, 70])),
    "box_past_border": make_annotation(make_item(bounding_box=[-3, 20, 101.5, 81])),
    "polygon_of_fewer_than_3_points": make_annotation(make_item(segmentation=[[1, 2, 3, 4], TRIANGLE])),
    "polygon_with_lone_coordinate": make_annotation(make_item(segmentation=[TRIANGLE, [1, 2, 3, 4, 5, 6, 7]])),
    "unlabelled_landmark_with_position": make_annotation(make_item(landmarks=[5, 5, 0, *[30, 30, 2] * 7])),
    "polygon_past_border": make_annotation(make_item(segmentation=[[-1, 20, 60, 20, 60, 81]])),
    "landmark_past_border": make_annotation(make_item(landmarks=[*[30, 30, 2] * 7, 100.5, 30, 1])),
    "image_without_items": make_annotation(),
    "invalid_item": make_annotation(make_item(), make_item(scale=4)),
    "box_without_area": make_annotation(make_item(bounding_box=[10, 20, 10, 70]), make_item()),
    "no_polygon": make_annotation(make_item(segmentation=[[1, 2]]), make_item()),
    "wrong_number_of_landmarks": make_annotation(make_item(landmarks=[0] * 21), make_item()),
    "unknown_visibility": make_annotation(make_item(landmarks=[1, 1, 3] * 8), make_item()),
    "invalid_annotation": b"{",
    "unreadable_picture": make_annotation(make_item(), make_item()),
    "annotation_without_picture": make_annotation(make_item()),
    "picture_without_annotation": make_annotation(make_item()),
}
"""Kind of defect -> an annotation that has it; the last three get it from what is done to their files."""


def quirk_stem(kind: str) -> str:
    """Name of the quirk's files in the quirky split."""
    return f"{list(QUIRKS).index(kind) + 1:06}"
