import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from matchrcnn import Predictor
from matchrcnn.cli import main
from matchrcnn.config import HardwareParams
from matchrcnn.inference.gallery.index import build_index, load_index

CPU = HardwareParams(device="cpu", loader_workers=0)


@pytest.fixture
def gallery(tmp_path: Path, tiny_root: Path) -> Path:
    folder = tmp_path / "gallery"
    folder.mkdir()
    for source in sorted((tiny_root / "validation" / "image").iterdir())[:4]:
        shutil.copy(source, folder / source.name)
    return folder


def test_a_photo_of_the_gallery_finds_itself_first(gallery: Path, tmp_path: Path, retrieval_run: Path) -> None:
    build_index(gallery, tmp_path / "index", retrieval_run, CPU)
    index = load_index(tmp_path / "index")
    photo = gallery / index.files[2]
    predictor = Predictor.load(retrieval_run, device="cpu", min_score=0.0, index=tmp_path / "index", top=3)
    garments = predictor(photo)
    assert garments
    for garment in garments:
        files = [found.file for found in garment.similar]
        similarities = [found.similarity for found in garment.similar]
        assert len(files) == len(set(files)) == 3
        assert similarities == sorted(similarities, reverse=True)
        assert files[0].resolve() == photo.resolve()


@pytest.mark.documents("docs/retrieval.md", "matchrcnn search")
def test_the_command_writes_a_picture_and_json(
    gallery: Path, tmp_path: Path, retrieval_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = next(gallery.iterdir())
    asked = ["search", str(photo), "--gallery", str(gallery), "--model", str(retrieval_run), "--min-score", "0"]
    asked += ["--index", str(tmp_path / "index"), "--output", str(tmp_path / "found"), "--device", "cpu"]
    assert main([*asked, "--top", "2"]) == 0
    first = (tmp_path / "found.json").read_bytes()
    content = json.loads(first)
    assert content["photo"] == photo.name
    assert all(len(garment["similar"]) == 2 for garment in content["garments"])
    assert all((gallery / found["file"]).is_file() for garment in content["garments"] for found in garment["similar"])
    with Image.open(tmp_path / "found.png") as picture:
        assert picture.width > 3 * 160
    assert "searched in 4 pictures" in capsys.readouterr().out
    from_index = [*asked[:3], str(tmp_path / "index"), *asked[4:], "--top", "2"]
    assert main(from_index) == 0
    assert (tmp_path / "found.json").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"photo": "absent.jpg"}, "absent.jpg: no such file"),
        ({"--model": "absent"}, "no model.safetensors"),
        ({"--gallery": "absent"}, "no such folder"),
    ],
)
def test_what_is_missing_is_told(
    change: dict[str, str],
    told: str,
    gallery: Path,
    tmp_path: Path,
    retrieval_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {"photo": str(next(gallery.iterdir())), "--gallery": str(gallery), "--model": str(retrieval_run)}
    values |= {"--index": str(tmp_path / "index"), "--output": str(tmp_path / "found")} | change
    photo = values.pop("photo")
    assert main(["search", photo, *(part for pair in values.items() for part in pair)]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.glob("found*"))


@pytest.mark.parametrize(("option", "value"), [("--top", "-1"), ("--top", "0"), ("--min-score", "7")])
def test_numbers_without_meaning_are_refused(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["search", "photo.jpg", "--gallery", str(tmp_path), option, value]
    with pytest.raises(SystemExit) as refused:
        main(asked)
    assert refused.value.code == 2
    assert f"argument {option}: '{value}'" in capsys.readouterr().err
