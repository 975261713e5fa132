"""The commands and the code of docs/photos.md and docs/export.md, run as they stand there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from matchrcnn.cli import main

DOCS = Path(__file__).parents[3] / "docs"


def blocks(name: str, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / name).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path, models: Path, tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with trained runs, photos and a shop's pictures."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "shop").mkdir()
    (tmp_path / "models").symlink_to(models)
    pictures = sorted((tiny_root / "validation" / "image").iterdir())
    for place, name in enumerate(("photos/coat", "photos/skirt", "shop/a", "shop/b")):
        shutil.copy(pictures[place], tmp_path / f"{name}.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.documents(
    "README.md", "matchrcnn predict photos", "matchrcnn export-onnx models/segmentation -o segmentation.onnx"
)
@pytest.mark.documents("docs/photos.md", "matchrcnn predict")
@pytest.mark.documents("docs/export.md", "matchrcnn export-onnx")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["photos.md", "export.md"])
def test_commands_do_what_the_page_says(name: str, project: Path) -> None:
    lines = [line for block in blocks(name) for line in block.splitlines() if line.startswith("matchrcnn ")]
    assert lines
    for line in lines:
        program, *argv = shlex.split(line)
        assert program == "matchrcnn"
        more = ["--min-score", "0.07"] if argv[0] in ("predict", "export-onnx") else []
        assert main([*argv[:1], *more, *argv[1:]]) == 0, line
    if name == "photos.md":
        for output, count in (("garments", 2), ("both", 2), ("similar", 1)):
            assert len(list((project / output / "pictures").glob("*.jpg"))) == count
            assert (project / output / "garments.json").is_file()


def test_the_code_runs_as_it_stands(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("photos.md", "python")
    names: dict = {}
    exec(code.replace('landmarks")\nfor', 'landmarks", min_score=0.07)\nfor'), names)
    assert (project / "coat.png").is_file()
    assert len(names["table"]) > 0
    assert capsys.readouterr().out.count("\n") == len(names["predictor"]("photos/coat.jpg"))
    readme = re.findall(r"^```python\n(.*?)^```", (DOCS.parent / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert any(block in code for block in readme)
