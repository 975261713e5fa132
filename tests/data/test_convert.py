"""What conversion writes, and that nothing disappears uncounted."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from matchrcnn.data.convert import convert
from matchrcnn.data.original import scan
from matchrcnn.data.original.records import DEFECTS
from matchrcnn.errors import UserError
from matchrcnn.files import read_json
from matchrcnn.taxonomy import CATEGORIES
from tests.support.deepfashion2_files import QUIRKS, make_annotation, make_item, quirk_stem, write_split

TOP_LANDMARKS = """
    182 54 1  45 91 1  137 103 1  228 123 1  261 89 1  257 35 1  0 0 0  0 0 0  47 447 2  151 401 2  141 366 2  129 328 2
    141 364 2  219 485 2  274 603 2  401 590 2  0 0 0  442 336 2  369 195 1  348 138 1  363 163 1  372 197 1  433 137 2
    396 92 2  341 35 1"""


def converted(split: Path, output: Path, report: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    result = convert(split, output, report)
    return read_json(output), result


def test_the_published_example_converts_to_values_worked_out_by_hand(example_split: Path, tmp_path: Path) -> None:
    coco, report = converted(example_split, tmp_path / "train.json")
    assert coco["images"] == [
        {"id": 1, "file_name": "000001.jpg", "width": 468, "height": 624, "source": "user", "pair_id": 1}
    ]
    top, trousers = coco["annotations"]
    outlines = [annotation.pop("segmentation") for annotation in (top, trousers)]
    assert top == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [0, 29, 466, 593],
        "area": 276338,
        "iscrowd": 0,
        "keypoints": [int(number) for number in TOP_LANDMARKS.split()],
        "num_keypoints": 22,
        "pair_id": 1,
        "style": 1,
        "source": "user",
        "scale": 3,
        "occlusion": 2,
        "zoom_in": 2,
        "viewpoint": 2,
    }
    assert (trousers["id"], trousers["category_id"], trousers["style"]) == (2, 8, 0)
    assert (trousers["bbox"], trousers["area"]) == ([249, 423, 217, 200], 43400)
    assert (len(trousers["keypoints"]), trousers["num_keypoints"]) == (3 * 14, 7)
    assert [[len(polygon) for polygon in outline] for outline in outlines] == [[50, 14, 14], [26, 14, 18]]
    assert outlines[1][1] == [374, 484, 251, 520, 269, 586, 298, 622, 410, 623, 410, 567, 374, 484]
    assert report["defects"] == {}


def test_categories_name_their_landmarks_and_join_them(example_split: Path, tmp_path: Path) -> None:
    categories = converted(example_split, tmp_path / "train.json")[0]["categories"]
    assert [(entry["id"], entry["name"], len(entry["keypoints"])) for entry in categories] == [
        (category.id, category.name, category.count) for category in CATEGORIES
    ]
    for entry in categories:
        assert entry["supercategory"] == "clothes"
        assert {end for edge in entry["skeleton"] for end in edge} <= set(range(1, len(entry["keypoints"]) + 1))
        assert len({tuple(sorted(edge)) for edge in entry["skeleton"]}) == len(entry["skeleton"]) > 0


def test_pycocotools_reads_it(quirky_split: Path, tmp_path: Path) -> None:
    convert(quirky_split, tmp_path / "quirky.json")
    coco = COCO(tmp_path / "quirky.json")
    for annotation in coco.loadAnns(coco.getAnnIds()):
        assert coco.annToMask(annotation).shape == (80, 100)


def test_annotation_ids_count_in_the_order_of_images_and_items(tmp_path: Path) -> None:
    backwards = {"item10": make_item(style=3), "item2": make_item(style=2), "source": "shop", "pair_id": 1}
    split = write_split(
        tmp_path / "train", {"000010": make_annotation(make_item(style=4)), "000002": backwards, "3": make_annotation()}
    )
    coco, _ = converted(split, tmp_path / "train.json")
    assert [image["id"] for image in coco["images"]] == [2, 3, 10]
    assert [(a["id"], a["image_id"], a["style"]) for a in coco["annotations"]] == [(1, 2, 2), (2, 2, 3), (3, 10, 4)]


@pytest.mark.parametrize("kind", QUIRKS)
def test_each_quirk_is_named_with_its_file_and_what_was_done(quirky_split: Path, tmp_path: Path, kind: str) -> None:
    coco, report = converted(quirky_split, tmp_path / "quirky.json")
    (defect,) = [defect for defect in report["defect_list"] if quirk_stem(kind) in defect["file"]]
    assert (defect["kind"], defect["action"]) == (kind, DEFECTS[kind])
    assert defect["reason"]
    image_id = int(quirk_stem(kind))
    kept = any(image["id"] == image_id for image in coco["images"])
    items = sum(annotation["image_id"] == image_id for annotation in coco["annotations"])
    assert kept == (defect["action"] != "image skipped")
    assert items == (kept and kind != "image_without_items")


def test_the_report_holds_all_that_was_found_and_is_what_is_returned(quirky_split: Path, tmp_path: Path) -> None:
    _, report = converted(quirky_split, tmp_path / "quirky.json", report=tmp_path / "report.json")
    assert read_json(tmp_path / "report.json") == report
    counts = report["counts"]
    assert counts["found"] == {"images": 18, "pictures": 17, "annotations": 17, "items": 21}
    assert counts["skipped"] == {"files": 2, "images": 4, "items": 5, "items_of_skipped_images": 3}
    assert (counts["images"], counts["items"]) == (14, 13)
    assert set(report["defects"]) == set(DEFECTS)
    assert all(found["count"] == 1 for found in report["defects"].values())


def test_counts_are_those_of_what_was_written(quirky_split: Path, tmp_path: Path) -> None:
    coco, report = converted(quirky_split, tmp_path / "quirky.json")
    counts, annotations = report["counts"], coco["annotations"]
    assert counts["category"]["skirt"] == counts["items"] == len(annotations)
    assert counts["scale"] == {"small": 0, "moderate": len(annotations), "large": 0}
    assert counts["without_landmarks"] == sum(annotation["num_keypoints"] == 0 for annotation in annotations)
    assert counts["items_per_image"] == {"0": 1, "1": 13}
    assert counts["source"]["user"] == {"images": len(coco["images"]), "items": len(annotations)}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bytes_do_not_depend_on_processes_or_runs(
    quirky_split: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    convert(quirky_split, tmp_path / "once.json", tmp_path / "once_report.json")
    monkeypatch.setattr(scan, "CHUNK", 3)
    monkeypatch.setattr(scan, "_FEW", 0)
    convert(quirky_split, tmp_path / "again.json", tmp_path / "again_report.json", workers=workers)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "once.json").read_bytes()
    assert (tmp_path / "again_report.json").read_bytes() == (tmp_path / "once_report.json").read_bytes()


def test_the_originals_stay_as_they_are(quirky_split: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in quirky_split.rglob("*") if path.is_file()}
    convert(quirky_split, tmp_path / "quirky.json")
    assert {path: path.read_bytes() for path in quirky_split.rglob("*") if path.is_file()} == before


def test_a_split_of_which_nothing_can_be_used_is_an_error_that_says_why(tmp_path: Path) -> None:
    split = write_split(tmp_path / "train", {"000001": b"{"})
    with pytest.raises(UserError, match=r"train: no image could be converted.*annos/000001.json: not a JSON object"):
        convert(split, tmp_path / "out/train.json")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_split_without_annotations_or_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no image/ folder"):
        convert(tmp_path, tmp_path / "train.json")
    (tmp_path / "test/image").mkdir(parents=True)
    with pytest.raises(UserError, match="holds no annos/ folder"):
        convert(tmp_path / "test", tmp_path / "test.json")


fields = st.sampled_from(["bounding_box", "landmarks", "segmentation", "category_id", "scale", "style"])
values = st.none() | st.integers(-3, 200) | st.lists(st.integers(-30, 130), max_size=24) | st.just([[1, 2], [3] * 6])
some_items = st.lists(st.dictionaries(fields, values, max_size=2).map(lambda changes: make_item(**changes)), max_size=3)
sources = st.sampled_from(["user", "shop", "shop", "mall"])
files = st.builds(lambda items, source: make_annotation(*items, source=source), some_items, sources)
damage = st.sampled_from(["none", "none", "none", "no picture", "no annotation", "cut"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(files, damage), max_size=4))
def test_nothing_disappears_uncounted(content: list[tuple[dict[str, Any], str]]) -> None:
    good = {"000100": make_annotation(make_item())}
    with tempfile.TemporaryDirectory() as folder:
        split = write_split(Path(folder) / "train", good | {str(n): file for n, (file, _) in enumerate(content)})
        for n, (_, how) in enumerate(content):
            damage_image(split, str(n), how)
        coco, report = converted(split, Path(folder) / "train.json")
    found, skipped = report["counts"]["found"], report["counts"]["skipped"]
    readable = [file for file, how in content if how != "no annotation"]
    assert found["images"] == len(content) + 1 == len(coco["images"]) + skipped["images"]
    assert found["items"] == sum(len(file) - 2 for file in readable) + 1
    assert found["items"] == len(coco["annotations"]) + skipped["items"] + skipped["items_of_skipped_images"]
    actions = [defect["action"] for defect in report["defect_list"]]
    assert actions.count("image skipped") == skipped["images"]
    named = {(d["file"], d["item"]) for d in report["defect_list"] if d["action"] == "item skipped"}
    assert len(named) == skipped["items"]


def damage_image(split: Path, stem: str, how: str) -> None:
    picture = split / "image" / f"{stem}.jpg"
    if how == "no picture":
        picture.unlink()
    elif how == "no annotation":
        (split / "annos" / f"{stem}.json").unlink()
    elif how == "cut":
        picture.write_bytes(picture.read_bytes()[:-30])
