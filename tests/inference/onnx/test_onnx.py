"""An exported run finds what the run finds, at sizes that it was not traced with."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from matchrcnn.cli import main
from matchrcnn.errors import UserError
from matchrcnn.inference.onnx.check import OnnxModel, compare
from matchrcnn.inference.onnx.export import export_onnx
from matchrcnn.inference.photos.reading import read_photo


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "retrieval"])
def test_an_exported_run_finds_the_same_garments(task: str, models: Path, tiny_root: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    names = export_onnx(models / task, path)
    streams = {"segmentation": ["masks"], "retrieval": ["masks", "landmark_maps", "embeddings"]}[task]
    assert names == ["boxes", "classes", "scores", *streams]
    photos = [read_photo(file) for file in sorted((tiny_root / "validation" / "image").iterdir())[:8]]
    photos.append(read_photo(np.zeros((50, 300, 3), np.uint8)))
    found = compare(models / task, path, photos)
    assert len({photo.size for photo in photos}) > 3
    assert found.garments >= 8
    assert found.same, found


@pytest.mark.documents("README.md", "matchrcnn export-onnx RUN -o F")
@pytest.mark.slow
def test_the_file_says_how_it_is_used(models: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "model.onnx"
    asked = ["export-onnx", str(models / "detection"), "-o", str(path), "--min-score", "0.07", "--check", str(photo)]
    assert main(asked) == 0
    assert "1 picture" in capsys.readouterr().out
    told = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert (told["task"], told["pixel_format"], told["shorter_edge"]) == ("detection", "RGB", "64")
    found = OnnxModel(path)(np.zeros((3, 70, 64)))
    assert set(found) == {"boxes", "classes", "scores"}
    assert found["boxes"].shape == (len(found["scores"]), 4)
    # a file that finds something else is not the same, and that is said
    assert compare(models / "detection", path, [read_photo(photo)], min_score=0.5).unlike == 1


def test_what_is_missing_is_told(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["export-onnx", str(tmp_path / "absent"), "-o", str(tmp_path / "model.onnx")]) == 2
    assert "no model.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "model.onnx").exists()
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not an ONNX model"):
        OnnxModel(tmp_path / "model.onnx")
