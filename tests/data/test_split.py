"""A split is read from the file's own bytes, and gives what reading it as a whole would."""

import json
from pathlib import Path

import pytest
from detectron2.structures import BoxMode

from matchrcnn.data.split import Split, load_split
from matchrcnn.errors import UserError


def whole(split: Split) -> list[dict]:
    """The same by the standard library, object by object."""
    coco = json.loads(split.annotations.read_text())
    own = ("image_id", "height", "width", "source", "pair_id")
    return [
        {
            "file_name": str(split.images / image["file_name"]),
            **{key: image["id" if key == "image_id" else key] for key in own},
            "annotations": [
                annotation | {"bbox_mode": BoxMode.XYWH_ABS, "category_id": annotation["category_id"] - 1}
                for annotation in coco["annotations"]
                if annotation["image_id"] == image["id"]
            ],
        }
        for image in coco["images"]
    ]


@pytest.fixture
def rewritten(tiny_splits: dict, tmp_path: Path) -> Split:
    """The training split with its items in another order, in a layout of another's making."""
    split = tiny_splits["train"]
    coco = json.loads(split.annotations.read_text())
    coco["annotations"] = coco["annotations"][::-1]
    (tmp_path / "other.json").write_text(json.dumps(coco, indent=1))
    return Split(tmp_path / "other.json", split.images)


def test_entries_are_those_of_the_file(tiny_splits: dict, rewritten: Split) -> None:
    for split in (*tiny_splits.values(), rewritten):
        entries = load_split(split)
        assert list(entries) == whole(split)
        assert entries[-1] == whole(split)[-1]
        assert entries[3:6] == whole(split)[3:6]
        assert entries.data_set == "sample data"


def test_annotated_images_are_those_with_an_item(tiny_splits: dict, tmp_path: Path) -> None:
    split = tiny_splits["validation"]
    coco = json.loads(split.annotations.read_text())
    bare = coco["images"][2]["id"]
    coco["annotations"] = [each for each in coco["annotations"] if each["image_id"] != bare]
    (tmp_path / "some.json").write_text(json.dumps(coco))
    entries = load_split(Split(tmp_path / "some.json", split.images))
    assert [each for each in entries if each["annotations"]] == list(entries.annotated())
    assert len(entries.annotated()) == len(entries) - 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not valid JSON"),
        ("[1, 2]", "images: none"),
        ('{"images": [], "annotations": []}', "images: none"),
        ('{"images": [{"id": 1}], "annotations": [{"image_id": 2}]}', "image_id 2 is no image"),
    ],
)
def test_what_is_no_converted_file_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(content)
    with pytest.raises(UserError, match=rf"train\.json: .*{said}"):
        load_split(Split(path, tmp_path))


def test_a_file_that_is_cut_off_is_refused(tiny_splits: dict, tmp_path: Path) -> None:
    content = tiny_splits["train"].annotations.read_bytes()
    (tmp_path / "train.json").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="is the file complete"):
        load_split(Split(tmp_path / "train.json", tmp_path))


def test_a_broken_line_is_named_when_it_is_asked_for(tiny_splits: dict, tmp_path: Path) -> None:
    content = tiny_splits["train"].annotations.read_bytes()
    at = content.index(b'"bbox":[', content.index(b'"annotations":['))
    (tmp_path / "train.json").write_bytes(content[:at] + b"?" + content[at + 1 :])
    entries = load_split(Split(tmp_path / "train.json", tmp_path))
    with pytest.raises(UserError, match=r"train\.json: byte \d+: not valid JSON"):
        list(entries)
