"""The official 294-wide form, compared with a slow writing of the official rule."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from matchrcnn.data.convert import convert
from matchrcnn.data.export import export
from matchrcnn.errors import UserError
from matchrcnn.files import read_json, write_json
from tests.support.deepfashion2_files import WIDTH, make_annotation, make_item, write_split

FIRST = {1: 0, 2: 25, 3: 58, 4: 89, 5: 128, 6: 143, 7: 158, 8: 168, 9: 182, 10: 190, 11: 219, 12: 256, 13: 275}
"""Where the landmarks of a category begin among 294, from the official script."""


def official(split: Path) -> dict[str, list[dict[str, Any]]]:
    """The official rule, image by image and point by point, on all that has both files; items by number."""
    images, annotations = [], []
    for path in sorted((split / "annos").iterdir()):
        picture, number = split / "image" / f"{path.stem}.jpg", int(path.stem)
        content = json.loads(path.read_bytes())
        with Image.open(picture) as opened:
            width, height = opened.size
        blank = {"coco_url": "", "date_captured": "", "flickr_url": "", "license": 0}
        images.append(blank | {"file_name": picture.name, "id": number, "width": width, "height": height})
        for key in sorted(key for key in content if key not in ("source", "pair_id")):
            annotations.append(official_item(content[key], len(annotations) + 1, number, content["pair_id"]))
    return {"images": images, "annotations": annotations}


def official_item(item: dict[str, Any], number: int, image_id: int, pair_id: int) -> dict[str, Any]:
    x1, y1, x2, y2 = item["bounding_box"]
    points, labelled = [0] * 882, 0
    for n in range(len(item["landmarks"]) // 3):
        for part in range(3):
            points[3 * (FIRST[item["category_id"]] + n) + part] = item["landmarks"][3 * n + part]
        labelled += item["landmarks"][3 * n + 2] > 0
    return {
        "area": (x2 - x1) * (y2 - y1),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "category_id": item["category_id"],
        "id": number,
        "pair_id": pair_id,
        "image_id": image_id,
        "iscrowd": 0,
        "style": item["style"],
        "num_keypoints": labelled,
        "keypoints": points,
        "segmentation": item["segmentation"],
    }


def exported(split: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    convert(split, folder / "converted.json")
    count = export(folder / "converted.json", folder / "wide.json")
    wide = read_json(folder / "wide.json")
    assert count == len(wide["annotations"])
    return wide


def part(entry: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in like}


def test_annotations_of_every_category_are_those_of_the_official_rule(tmp_path: Path) -> None:
    content = {f"{n:06}": make_annotation(make_item(n), make_item(14 - n), pair_id=n) for n in range(1, 14)}
    split = write_split(tmp_path / "train", content)
    wide, expected = exported(split, tmp_path), official(split)
    for section in ("images", "annotations"):
        assert [part(entry, expected[section][0]) for entry in wide[section]] == expected[section]


def test_the_published_example_is_that_of_the_official_rule(example_split: Path, tmp_path: Path) -> None:
    wide, expected = exported(example_split, tmp_path), official(example_split)
    assert [part(entry, expected["annotations"][0]) for entry in wide["annotations"]] == expected["annotations"]


def test_categories_are_294_wide_for_coco_readers(example_split: Path, tmp_path: Path) -> None:
    exported(example_split, tmp_path)
    coco = COCO(tmp_path / "wide.json")
    for category in coco.loadCats(coco.getCatIds()):
        assert category["keypoints"] == [str(number) for number in range(1, 295)]
    assert {len(annotation["keypoints"]) for annotation in coco.loadAnns(coco.getAnnIds())} == {882}


def test_with_defects_only_the_items_that_the_report_names_differ(quirky_split: Path, tmp_path: Path) -> None:
    wide = exported(quirky_split, tmp_path)
    report = convert(quirky_split, tmp_path / "converted.json")
    (quirky_split / "image/900.jpg").unlink()
    for defect in report["defect_list"]:  # the official rule stops at these
        if defect["action"] == "image skipped":
            (quirky_split / defect["file"]).unlink(missing_ok=True)
            (quirky_split / defect["file"].replace("image/", "annos/").replace(".jpg", ".json")).unlink(missing_ok=True)
    expected = official(quirky_split)["annotations"]
    named = {int(Path(d["file"]).stem) for d in report["defect_list"] if d["action"] in ("fixed", "item skipped")}
    compared = [a for a in expected if a["image_id"] not in named]
    ours = [part(a, expected[0]) for a in wide["annotations"] if a["image_id"] not in named]
    assert [a | {"id": 0} for a in ours] == [a | {"id": 0} for a in compared]
    assert len(compared) == 3


def result(category: int, **more: object) -> dict[str, Any]:
    return {"image_id": 1, "category_id": category, "keypoints": make_item(category)["landmarks"], "score": 0.5, **more}


@pytest.mark.parametrize("category", range(1, 14))
def test_results_fill_the_other_categories_with_the_centre(tmp_path: Path, category: int) -> None:
    write_json(tmp_path / "landmarks.json", [result(category), result(category, bbox=[10, 20, 5, 6])])
    assert export(tmp_path / "landmarks.json", tmp_path / "wide.json") == 2
    for entry, centre in zip(read_json(tmp_path / "wide.json"), (None, (12.5, 23)), strict=True):
        points = np.array(entry.pop("keypoints")).reshape(294, 3)
        own = np.array(make_item(category)["landmarks"]).reshape(-1, 3)
        first = FIRST[category]
        assert (points[first : first + len(own)] == own).all()
        x, y = centre or (own[:, :2].min(0) + own[:, :2].max(0)) / 2
        assert (np.delete(points, range(first, first + len(own)), axis=0) == (x, y, 0)).all()
        assert (entry["image_id"], entry["category_id"], entry["score"]) == (1, category, 0.5)


def test_what_is_official_already_stays_as_it_is(tmp_path: Path) -> None:
    official_results = [
        {"image_id": 1, "category_id": 3, "keypoints": [0.25] * 882, "score": 1 / 3},
        {"image_id": 1, "category_id": 3, "bbox": [0.1, 2, 3, 4], "score": 0.1},
    ]
    write_json(tmp_path / "results.json", official_results)
    export(tmp_path / "results.json", tmp_path / "wide.json")
    assert read_json(tmp_path / "wide.json") == official_results
    write_json(tmp_path / "none.json", [])
    assert export(tmp_path / "none.json", tmp_path / "wide.json") == 0
    assert read_json(tmp_path / "wide.json") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither COCO annotations nor a list of results"),
        (b"[" * 100_000, "neither COCO annotations"),
        (b'{"images": []}', "images or annotations: missing"),
        (b'{"images": [], "annotations": {}}', "neither COCO annotations"),
        (b'{"images": 3, "annotations": []}', "neither COCO annotations"),
        (b"[3]", "entry 0: an object is expected"),
        (b'[{"keypoints": []}]', "entry 0: category_id: None"),
        (b'[{"category_id": 14, "keypoints": []}]', "entry 0: category_id: 14"),
        (b'[{"category_id": [1], "keypoints": []}]', "entry 0: category_id"),
        (b'[{"category_id": 9, "keypoints": [1, 2, 3]}]', r"keypoints: 3 numbers, 24 \(skirt\) or 882"),
        (b'[{"category_id": 9, "keypoints": 24}]', "keypoints: 0 numbers"),
        (b'[{"category_id": 7, "keypoints": ["a"' + b', "b"' * 29 + b"]}]", "entry 0: bbox or keypoints"),
        (json.dumps([result(9, bbox=[1])]).encode(), "entry 0: bbox or keypoints"),
    ],
)
def test_a_wrong_file_is_named_with_entry_and_field(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "wrong.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        export(tmp_path / "wrong.json", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.json: No such file"):
        export(tmp_path / "missing.json", tmp_path / "out.json")


def test_landmarks_outside_the_image_are_exported_as_annotated(tmp_path: Path) -> None:
    outside = make_item(9, landmarks=[WIDTH + 2, 30, 2, *[30, 30, 1] * 7])
    split = write_split(tmp_path / "train", {"000001": make_annotation(outside)})
    assert exported(split, tmp_path)["annotations"][0]["keypoints"][3 * 182 : 3 * 183] == [WIDTH + 2, 30, 2]
