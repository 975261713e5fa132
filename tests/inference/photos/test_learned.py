"""Runs that were trained on drawings say so: in words, in JSON, in pictures and in Python."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image

from matchrcnn import Predictor
from matchrcnn.cli import main
from matchrcnn.files import write_json
from matchrcnn.inference.learned import SAMPLE, drawing_runs, drawings_note, with_corner

NOTE = "trained on drawings (the sample data)"


@pytest.fixture
def drawn(tmp_path: Path, models: Path) -> Path:
    """The runs, trained on the sample data by what they say."""
    folder = tmp_path / "models"
    shutil.copytree(models, folder)
    for run in folder.iterdir():
        write_json(run / "training.json", {"data": SAMPLE})
    return folder


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A real photograph in the public domain, which matplotlib ships."""
    target = tmp_path / "grace_hopper.jpg"
    shutil.copy(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), target)
    return target


def test_only_runs_of_the_sample_data_are_named(drawn: Path) -> None:
    write_json(drawn / "detection/training.json", {"data": "DeepFashion2"})
    (drawn / "landmarks/training.json").unlink()
    (drawn / "retrieval/training.json").write_text("[]")
    runs = sorted(drawn.iterdir())
    assert drawing_runs(runs) == ["segmentation"]
    assert drawings_note(runs[:1]) is None
    assert f"segmentation was {NOTE}" in str(drawings_note(runs))


def test_predict_of_a_photograph_says_it_once(
    drawn: Path, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--run", str(drawn / "segmentation"), "--run", str(drawn / "landmarks")]
    asked = ["predict", str(photograph), *runs, "-o", str(tmp_path / "out"), "--min-score", "0.07", "--device", "cpu"]
    assert main(asked) == 0
    said = capsys.readouterr()
    assert said.err.count(NOTE) == 1
    found = json.loads((tmp_path / "out/garments.json").read_text())
    count = len(found["pictures"][0]["garments"])
    assert count > 0
    assert f"{count} garment{'s' * (count != 1)} found" in said.out
    assert found["note"].startswith("segmentation, landmarks were trained on drawings")
    with Image.open(tmp_path / "out/pictures/grace_hopper.jpg") as picture:
        corner = np.asarray(picture)[-8:, :40]
    assert (corner > 200).mean() > 0.5, "a white label"


def test_runs_of_photographs_are_silent(
    models: Path, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["predict", str(photograph), "--run", str(models / "detection"), "-o", str(tmp_path / "out")]
    assert main([*asked, "--device", "cpu"]) == 0
    assert NOTE not in capsys.readouterr().err
    assert "note" not in json.loads((tmp_path / "out/garments.json").read_text())


def test_search_says_it_and_counts(
    drawn: Path, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery = tmp_path / "shop"
    gallery.mkdir()
    shutil.copy(photograph, gallery / "same.jpg")
    asked = ["search", str(photograph), "--gallery", str(gallery), "--run", str(drawn / "retrieval")]
    asked += ["--index", str(tmp_path / "index"), "-o", str(tmp_path / "found"), "--min-score", "0.07"]
    assert main([*asked, "--device", "cpu"]) == 0
    said = capsys.readouterr()
    assert said.err.count(NOTE) == 1
    found = json.loads((tmp_path / "found.json").read_text())
    assert NOTE in found["note"]
    assert f"{len(found['garments'])} garment" in said.out


def test_a_predictor_says_it_where_it_is_shown(drawn: Path, models: Path) -> None:
    assert NOTE in repr(Predictor.load(drawn / "detection", device="cpu"))
    silent = Predictor.load(models / "detection", device="cpu")
    assert repr(silent) == f"<Predictor: {models / 'detection'}>"


@pytest.mark.parametrize("size", [(1, 1), (640, 3), (40, 640)])
def test_a_picture_too_small_for_the_text_stays_as_it_is(size: tuple[int, int], drawn: Path) -> None:
    picture = Image.new("RGB", size, "black")
    assert with_corner(picture, [drawn / "detection"]) is picture


def test_the_corner_covers_little_of_a_picture(drawn: Path) -> None:
    picture = Image.new("RGB", (640, 480), "black")
    labelled = np.asarray(with_corner(picture, [drawn / "detection"]))
    changed = (labelled > 0).any(axis=2)
    assert 0 < changed.mean() < 0.05
    assert not changed[:440].any()
