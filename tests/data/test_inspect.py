"""`inspect` counts what conversion would, of every split, and writes nothing."""

import json
from pathlib import Path

import pytest

from matchrcnn.cli import main
from matchrcnn.data.convert import convert
from matchrcnn.data.inspect import inspect_dataset
from tests.support.deepfashion2_files import make_annotation, make_item, write_split


@pytest.fixture
def dataset(quirky_split: Path) -> Path:
    """A train split full of defects, a validation split of one identity in five images, and a bare test split."""
    root = quirky_split.parent / "set"
    root.mkdir()
    quirky_split.rename(root / "train")
    shirt, skirt, other = make_item(1, style=1), make_item(9, style=2), make_item(9, style=0)
    validation = {
        "000001": make_annotation(shirt, skirt, pair_id=5),
        "000002": make_annotation(shirt, shirt, pair_id=5),
        "000003": make_annotation(skirt, other, pair_id=6),
        "000004": make_annotation(shirt, skirt, source="shop", pair_id=5),
        "000005": make_annotation(other, source="shop", pair_id=6),
    }
    write_split(root / "validation", validation)
    write_split(root / "test", {"000001": b"", "000002": b""})
    for path in (root / "test/annos").iterdir():
        path.unlink()
    (root / "test/annos").rmdir()
    (root / "test/image/000002.jpg").write_bytes(b"")
    return root


def test_reports_are_those_of_conversion(dataset: Path, tmp_path: Path) -> None:
    reports = inspect_dataset(dataset)
    assert list(reports) == ["train", "validation", "test"]
    assert reports["train"] == convert(dataset / "train", tmp_path / "train.json")
    assert reports["validation"] == convert(dataset / "validation", tmp_path / "validation.json")


def test_pairs_and_queries_of_a_case_counted_by_hand(dataset: Path) -> None:
    counts = inspect_dataset(dataset)["validation"]["counts"]
    # shirt 5/1: user items 1 + 2, shop item 1; skirt 5/2: one and one; skirt 6/2: user only
    assert (counts["identities"], counts["item_pairs"], counts["image_pairs"]) == (3, 4, 2)
    assert (counts["queries"], counts["queries_without_match"], counts["without_style"]) == (5, 1, 2)
    assert counts["source"] == {"shop": {"images": 2, "items": 3}, "user": {"images": 3, "items": 6}}
    assert (counts["category"]["short sleeve top"], counts["category"]["skirt"]) == (4, 5)


def test_a_split_without_annotations_counts_the_pictures_that_can_be_read(dataset: Path) -> None:
    report = inspect_dataset(dataset)["test"]
    assert (report["counts"]["images"], report["counts"]["items"]) == (1, 0)
    assert report["counts"]["found"] == {"images": 2, "pictures": 2, "annotations": 0, "items": 0}
    assert [(defect["kind"], defect["file"]) for defect in report["defect_list"]] == [
        ("unreadable_picture", "image/000002.jpg")
    ]


def test_the_command_prints_the_counts_and_each_defect(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(dataset), "--defects"]) == 0
    output = capsys.readouterr().out
    lines = [line.split() for line in output.splitlines()]
    assert ["train", "validation", "test"] in lines
    assert ["images", "14", "5", "1"] in lines
    assert ["item", "pairs", "0", "4", "0"] in lines
    assert ["train", "box_past_border", "fixed", "1"] in lines
    assert "train/annos/000009.json item2: invalid_item, item skipped: Expected `int` <= 3 - at `$.scale`" in output
    assert "\x1b" not in output


def test_the_command_prints_json(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(dataset), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == inspect_dataset(dataset)


def test_the_command_tells_a_wrong_folder(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(dataset / "train")]) == 2
    assert capsys.readouterr().err.startswith("matchrcnn inspect: ")


def test_convert_and_export_by_command(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations, wide = tmp_path / "out/train.json", tmp_path / "out/wide.json"
    assert main(["convert", str(dataset / "train"), "-o", str(annotations), "--report", str(tmp_path / "r.json")]) == 0
    assert main(["export", str(annotations), "-o", str(wide)]) == 0
    output = capsys.readouterr().out
    assert "train.json: 14 images, 13 items" in output
    assert "1 x no_polygon: item skipped" in output
    assert "wide.json: 13 entries" in output
    assert json.loads((tmp_path / "r.json").read_bytes())["split"] == "train"
