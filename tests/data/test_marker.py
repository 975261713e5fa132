"""A data set has the name that it is given, or its folder's; only sample data and DeepFashion2 are known by theirs."""

from pathlib import Path

import pytest

from matchrcnn.cli import main
from matchrcnn.config import SampleParams
from matchrcnn.data.marker import DEEPFASHION2, SAMPLE, data_set_name, is_deepfashion2, terms
from matchrcnn.data.sample import write_sample
from matchrcnn.data.split import Split, load_split
from matchrcnn.files import read_json
from tests.support.deepfashion2_files import make_annotation, make_item, write_split


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A data set of somebody's own."""
    write_split(tmp_path / "street clothes" / "train", {"000001": make_annotation(make_item())})
    return tmp_path / "street clothes"


def converted_name(root: Path, output: Path, *options: str) -> str:
    """The name that `matchrcnn convert` wrote, as a training reads it."""
    assert main(["convert", str(root / "train"), "-o", str(output), *options]) == 0
    info = read_json(output)["info"]
    name = load_split(Split(output, root / "train" / "image")).data_set
    assert info == {"data_set": name, "description": f"{name}, train; keypoints are the category's own landmarks"}
    return name


def test_another_data_set_is_not_called_deepfashion2(street: Path, tmp_path: Path) -> None:
    assert converted_name(street, tmp_path / "train.json") == "street clothes"
    assert converted_name(street, tmp_path / "train.json", "--name", "Street 2026") == "Street 2026"
    assert converted_name(street, tmp_path / "train.json", "--name", DEEPFASHION2) == DEEPFASHION2


def test_sample_data_are_called_so_whatever_name_is_given(tmp_path: Path) -> None:
    write_sample(tmp_path / "data", SampleParams(train_images=2, validation_images=2), workers=1)
    assert converted_name(tmp_path / "data", tmp_path / "train.json") == SAMPLE
    assert data_set_name(tmp_path / "data", DEEPFASHION2) == SAMPLE


def test_the_terms_are_those_of_the_data_set() -> None:
    assert "non-commercial" in terms(DEEPFASHION2)
    assert "nothing of DeepFashion2" in terms(SAMPLE)
    assert terms("Street 2026").startswith("Trained on Street 2026, whose own terms")
    assert "DeepFashion2" not in terms("Street 2026")


@pytest.mark.parametrize("name", ["DeepFashion2", "deepfashion2", "deep fashion 2", "Deep-Fashion_2"])
def test_deepfashion2_is_known_however_it_is_spelled(name: str) -> None:
    assert is_deepfashion2(name)
    assert terms(name) == terms(DEEPFASHION2)
    assert not is_deepfashion2(f"not {name}")
