"""Splits in the original layout, small enough to write in a test."""

from pathlib import Path

import pytest

from tests.support.deepfashion2_files import EXAMPLE, QUIRKS, make_annotation, make_item, quirk_stem, write_split


@pytest.fixture
def example_split(tmp_path: Path) -> Path:
    """The published example annotation with a picture of its size."""
    return write_split(tmp_path / "train", {"000001": EXAMPLE.read_bytes()}, size=(468, 624))


@pytest.fixture
def quirky_split(tmp_path: Path) -> Path:
    """Each kind of defect once, and one faultless image."""
    quirks = {quirk_stem(kind): annotation for kind, annotation in QUIRKS.items()}
    split = write_split(tmp_path / "quirky", quirks | {"000900": make_annotation(make_item())})
    cut_off = split / "image" / f"{quirk_stem('unreadable_picture')}.jpg"
    cut_off.write_bytes(cut_off.read_bytes()[:-40])
    (split / "image" / f"{quirk_stem('annotation_without_picture')}.jpg").unlink()
    (split / "annos" / f"{quirk_stem('picture_without_annotation')}.json").unlink()
    (split / "image/900.jpg").write_bytes(b"the number of 000900.jpg")
    (split / "image/Thumbs.db").write_bytes(b"")
    return split
