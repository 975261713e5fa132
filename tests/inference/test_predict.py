"""`matchrcnn predict`: what it writes, what it keeps, what it says."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from matchrcnn import Predictor
from matchrcnn.cli import main
from matchrcnn.inference import predict as command

Predict = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, tiny_root: Path) -> Path:
    """Three pictures, two of one name in different folders; one is no picture."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    pictures = sorted((tiny_root / "validation" / "image").iterdir())
    for place, name in enumerate(("a", "b", "below/a")):
        shutil.copy(pictures[place], folder / f"{name}.jpg")
    return folder


@pytest.fixture
def predict(tmp_path: Path, models: Path) -> Predict:
    """Calls the command with the segmentation and the landmarks run into tmp_path/out."""

    def call(*inputs: Path, runs: tuple[str, ...] = ("segmentation", "landmarks"), more: tuple[str, ...] = ()) -> int:
        chosen = [part for run in runs for part in ("--run", str(models / run))]
        output = ["-o", str(tmp_path / "out"), "--min-score", "0.07", "--device", "cpu"]
        return main(["predict", *map(str, inputs), *chosen, *output, *more])

    return call


def garments(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "out" / "garments.json").read_text())


def test_a_folder_becomes_pictures_json_and_coco(folder: Path, predict: Predict, tmp_path: Path, models: Path) -> None:
    assert predict(folder) == 0
    found = garments(tmp_path)
    assert [each["run"] for each in found["runs"]] == ["segmentation", "landmarks"]
    assert [each["gives"] for each in found["runs"]] == [["boxes", "masks"], ["landmarks"]]
    names = [str(Path(each["file"]).relative_to(folder)) for each in found["pictures"]]
    assert names == ["a.jpg", "b.jpg", "below/a.jpg"]
    predictor = Predictor.load(models / "segmentation", models / "landmarks", device="cpu", min_score=0.07)
    for entry in found["pictures"]:
        with Image.open(tmp_path / "out" / entry["picture"]) as drawn, Image.open(entry["file"]) as photo:
            assert drawn.width / drawn.height == pytest.approx(photo.width / photo.height, rel=0.01)
            assert photo.size == (entry["width"], entry["height"])
        own = predictor(entry["file"])
        assert [each["box"] for each in entry["garments"]] == [list(each.box) for each in own]
        assert [each["mask"] for each in entry["garments"]] == [each.rle for each in own]
        assert [each["landmarks"] for each in entry["garments"]] == [each.landmarks.tolist() for each in own]
    coco = COCO(str(tmp_path / "out/coco/images.json"))
    count = sum(len(entry["garments"]) for entry in found["pictures"])
    for stream, field in (("boxes", "bbox"), ("masks", "segmentation"), ("landmarks", "keypoints")):
        results = json.loads((tmp_path / f"out/coco/{stream}.json").read_text())
        assert len(results) == count
        assert all(result[field] for result in results)
        if stream != "landmarks":
            assert len(coco.loadRes(results).anns) == count
    x, y, width, height = json.loads((tmp_path / "out/coco/boxes.json").read_text())[0]["bbox"]
    assert found["pictures"][0]["garments"][0]["box"] == pytest.approx([x, y, x + width, y + height])


def test_a_second_call_computes_what_is_new_or_changed(
    folder: Path, predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(folder)
    first = garments(tmp_path)
    monkeypatch.setattr(command.Predictor, "of_plan", lambda *_: pytest.fail("a model was loaded"))
    assert predict(folder) == 0
    assert "3 pictures (0 computed, 3 kept from before, 0 not read)" in capsys.readouterr().out
    assert garments(tmp_path) == first
    monkeypatch.undo()
    shutil.copy(folder / "b.jpg", folder / "a.jpg")
    (tmp_path / "out/pictures/below/a.jpg").unlink()
    shutil.copy(folder / "b.jpg", folder / "c.jpg")
    predict(folder)
    assert "4 pictures (3 computed, 1 kept" in capsys.readouterr().out
    now = garments(tmp_path)["pictures"]
    assert now[0]["garments"] == now[1]["garments"] == now[3]["garments"] == first["pictures"][1]["garments"]
    predict(folder, runs=("segmentation",))
    assert "4 computed" in capsys.readouterr().out
    predict(folder, runs=("segmentation",), more=("--size", "64"))
    assert "4 computed" in capsys.readouterr().out
    (tmp_path / "out/.records/a.json").write_text('{"key": 1')
    predict(folder, runs=("segmentation",), more=("--size", "64"))
    assert "1 computed, 3 kept" in capsys.readouterr().out


def test_an_interrupted_call_goes_on(
    folder: Path, predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_photos, seen = Predictor.of_photos, []

    def interrupted(self: Predictor, photos: list) -> list:
        if seen:
            raise KeyboardInterrupt
        seen.append(photos)
        return of_photos(self, photos)

    monkeypatch.setattr(Predictor, "of_photos", interrupted)
    assert predict(folder, more=("--batch", "2")) == 130
    assert "interrupted" in capsys.readouterr().err
    monkeypatch.undo()
    predict(folder, more=("--batch", "2"))
    assert "1 computed, 2 kept" in capsys.readouterr().out
    whole = garments(tmp_path)
    shutil.rmtree(tmp_path / "out")
    predict(folder)
    assert garments(tmp_path) == whole


def test_what_cannot_be_read_is_told_counted_and_stops_nothing(
    folder: Path, predict: Predict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a0.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    assert predict(folder, tmp_path / "absent.jpg", tmp_path / "empty") == 1
    told = capsys.readouterr()
    for line in ("a0.png: not a picture", "absent.jpg: no such file", "empty: no pictures"):
        assert line in told.err
    assert "3 pictures (3 computed, 0 kept from before, 3 not read)" in told.out
    errors = [Path(entry["file"]).name for entry in garments(tmp_path)["pictures"] if "error" in entry]
    assert errors == ["a0.png", "absent.jpg"]
    images = json.loads((tmp_path / "out/coco/images.json").read_text())["images"]
    assert [image["id"] for image in images] == [1, 2, 3]


def test_equal_names_do_not_overwrite_each_other_and_nothing_leaves_the_output(
    folder: Path, predict: Predict, tmp_path: Path
) -> None:
    shutil.copy(folder / "b.jpg", folder / "A.PNG")
    shutil.copytree(folder, tmp_path / "other")
    (folder / "odd").symlink_to(tmp_path / "other")
    before = sorted(tmp_path.rglob("*"))
    inside = tmp_path / "photos" / ".." / "photos" / "b.jpg"
    assert predict(folder, tmp_path / "other", inside, folder / "b.jpg", more=("--batch", "3")) == 0
    found = garments(tmp_path)["pictures"]
    drawn = [entry["picture"] for entry in found]
    assert len(drawn) == len({name.casefold() for name in drawn}) == 8
    assert all((tmp_path / "out" / name).is_file() for name in drawn)
    assert {path for path in tmp_path.rglob("*") if tmp_path / "out" not in path.parents} == {*before, tmp_path / "out"}


def test_the_output_below_the_folder_is_no_input(
    folder: Path, predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(folder, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    main_output = tmp_path / "out" / "garments"
    assert predict(Path(), more=("-o", str(main_output))) == 0
    assert predict(Path(), more=("-o", "garments")) == 0
    assert len(json.loads((main_output / "garments.json").read_text())["pictures"]) == 3


def test_odd_names_and_odd_pictures(predict: Predict, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    (odd / "wide.png").mkdir(parents=True)
    Image.new("RGB", (1, 1)).save(odd / "one.png")
    Image.new("L", (10000, 1)).save(odd / "wide.tiff")
    Image.new("CMYK", (30, 40)).save(odd / "wide.png" / f"{'x' * 240}.jpg")
    Image.new("RGBA", (30, 40)).save(odd / "a\nb<script>.webp")
    name = os.fsdecode(b"caf\xe9.gif")
    Image.new("P", (30, 40)).save(odd / name)
    assert predict(odd) == 0
    found = garments(tmp_path)["pictures"]
    assert len(found) == 5
    assert sorted((entry["width"], entry["height"]) for entry in found)[-1] == (10000, 1)


def test_similar_garments_of_a_folder_stand_beside_the_others(
    folder: Path, predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ("--gallery", str(folder), "--index", str(tmp_path / "index"), "--top", "2", "--format", "png")
    assert predict(folder / "a.jpg", runs=("retrieval",), more=more) == 0
    found = garments(tmp_path)["pictures"][0]
    assert all((folder / each["file"]).is_file() for garment in found["garments"] for each in garment["similar"])
    assert [garment["similar"][0]["file"] for garment in found["garments"]] == ["a.jpg"] * len(found["garments"])
    with Image.open(tmp_path / "out" / found["picture"]) as drawn:
        assert drawn.format == "PNG"
        assert drawn.height > 160 * len(found["garments"])
    first = (tmp_path / "out/garments.json").read_bytes()
    assert predict(folder / "a.jpg", runs=("retrieval",), more=("--index", *more[3:])) == 0
    assert (tmp_path / "out/garments.json").read_bytes() == first


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--run", "absent"], "absent: no model.safetensors"),
        ([], "no trained run in it"),
        (["--run", "detection", "--gallery", "."], "name the trained retrieval run"),
        (["--run", "retrieval", "--index", "photos"], "photos: no index.json; give the folder of an index"),
    ],
)
def test_wrong_calls_are_told(
    argv: list[str], told: str, folder: Path, models: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    argv = [str(models / part) if (models / part).is_dir() and part != "." else part for part in argv]
    assert main(["predict", str(folder / "a.jpg"), *argv, "--device", "cpu"]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "garments").exists()


def test_drawn_pictures_are_large_enough_to_read_and_small_enough_to_send(models: Path) -> None:
    predictor = Predictor.load(models / "segmentation", device="cpu", min_score=0.07)
    sizes = [predictor.draw(np.zeros((*shape, 3), np.uint8)).size for shape in ((40, 30), (900, 700), (3000, 2400))]
    assert sizes == [(480, 640), (700, 900), (1638, 2048)]
