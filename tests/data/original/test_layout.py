"""Where the splits and their files are found, and what a wrong folder is told."""

import os
from pathlib import Path

import pytest

from matchrcnn.data.original.layout import find_splits, list_split
from matchrcnn.errors import UserError
from tests.support.deepfashion2_files import make_annotation, make_item, write_split


def test_splits_are_found_in_their_order(tmp_path: Path) -> None:
    for name in ("validation", "test", "train", "other"):
        (tmp_path / name).mkdir()
    assert [path.name for path in find_splits(tmp_path)] == ["train", "validation", "test"]


def test_a_wrong_root_is_told_what_is_there_and_what_is_expected(tmp_path: Path) -> None:
    split = write_split(tmp_path / "deepfashion2/train", {"000001": make_annotation(make_item())})
    with pytest.raises(UserError, match=r"one split.*give the folder above it: .*deepfashion2$"):
        find_splits(split)
    with pytest.raises(UserError, match=r"one folder deeper; give .*deepfashion2$"):
        find_splits(tmp_path)
    with pytest.raises(UserError, match=r"expected train/, validation/ or test/.*found 000001.jpg"):
        find_splits(split / "image")
    with pytest.raises(UserError, match="no such folder"):
        find_splits(tmp_path / "missing")
    with pytest.raises(UserError, match="holds no image/ folder"):
        list_split(tmp_path)


def test_files_are_paired_by_number_and_in_its_order(tmp_path: Path) -> None:
    split = write_split(tmp_path / "train", {stem: make_annotation() for stem in ("000010", "000009", "2")})
    (split / "annos/000009.json").unlink()
    (split / "image/2.jpg").unlink()
    listed = list_split(split)
    assert listed.files == [(2, None, "2.json"), (9, "000009.jpg", None), (10, "000010.jpg", "000010.json")]
    assert listed.annotated
    assert listed.defects == []


@pytest.mark.parametrize(
    "name", ["cover.jpg", "1.png", "-1.jpg", "1e3.jpg", "٣.jpg", "9999999999.jpg", "..jpg", ".jpg", "a\nb.jpg"]
)
def test_a_name_that_is_no_number_is_counted_and_left_out(tmp_path: Path, name: str) -> None:
    split = write_split(tmp_path / "train", {"000001": make_annotation()})
    (split / "image" / name).write_bytes(b"")
    listed = list_split(split)
    assert [(defect.kind, defect.file) for defect in listed.defects] == [("unexpected_file", f"image/{name}")]
    assert len(listed.files) == 1


def test_a_name_that_is_no_text_and_a_folder_are_counted_too(tmp_path: Path) -> None:
    split = write_split(tmp_path / "train", {"000001": make_annotation()})
    (split / "image/000002.jpg").mkdir()
    (split / os.fsdecode(b"image/\xff.jpg")).write_bytes(b"")
    assert [defect.file for defect in list_split(split).defects] == ["image/000002.jpg", "image/\ufffd.jpg"]


def test_a_number_counts_once(tmp_path: Path) -> None:
    split = write_split(tmp_path / "train", {"000001": make_annotation(), "0000001": make_annotation()})
    listed = list_split(split)
    assert listed.files == [(1, "0000001.jpg", "0000001.json")]
    assert [defect.kind for defect in listed.defects] == ["number_used_twice"] * 2


def test_a_split_without_annotations_is_one(tmp_path: Path) -> None:
    (tmp_path / "test/image").mkdir(parents=True)
    (tmp_path / "test/image/000001.jpg").write_bytes(b"")
    listed = list_split(tmp_path / "test")
    assert (listed.annotated, listed.files) == (False, [(1, "000001.jpg", None)])
