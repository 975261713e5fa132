"""The README's pictures can be taken of any page, and are of what their names say."""

from pathlib import Path

import pytest
from PIL import Image

from tests.reporting.test_page import make_page
from tests.support import contract_files
from tests.support.chromium import CHROMIUM
from tools.pictures import report as pictures

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_pictures_that_the_script_takes() -> None:
    shown = {name for name in pictures.PICTURES if f"docs/images/{name}" in (ROOT / "README.md").read_text()}
    assert shown >= {"report.png", "gallery.jpg", "landmarks.jpg"}
    for name in shown:
        assert (ROOT / f"docs/images/{name}").stat().st_size < 600_000


def test_the_page_on_mlflow_shows_the_picture_that_make_pictures_takes() -> None:
    assert "(images/mlflow.jpg)" in (ROOT / "docs/mlflow.md").read_text()
    assert "python -m tools.pictures.mlflow" in (ROOT / "Makefile").read_text()
    assert (ROOT / "docs/images/mlflow.jpg").stat().st_size < 200_000


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_pictures_are_taken_of_the_sections_that_a_page_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PICTURES", {k: pictures.PICTURES[k] for k in ("gallery.jpg", "retrieval.jpg")})
    make_page(tmp_path, {name: task for name, task in contract_files.RUNS.items() if task == "segmentation"})
    (gallery,) = pictures.take(tmp_path / "reports/index.html", tmp_path)
    assert "retrieval.jpg: the page has no section" in capsys.readouterr().out
    with Image.open(gallery) as image:
        assert image.size == (pictures.WIDTH, pictures.PICTURES["gallery.jpg"][2])
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50
