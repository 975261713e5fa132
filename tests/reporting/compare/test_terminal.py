"""A comparison on a terminal: aligned columns, no Markdown, within the width of a screen."""

import json
import sys
from pathlib import Path

import pytest

from matchrcnn.cli import main
from matchrcnn.subsets import COLUMNS
from matchrcnn.taxonomy import CATEGORY_NAMES


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two projects with eight runs each, scored overall, on subsets and categories."""
    for name, value in (("first", 0.5), ("second", 0.6)):
        for number in range(8):
            box: dict = {"overall": {"AP": value, "AP50": value}, "category": {}}
            for column in COLUMNS[:-1]:
                attribute, level = column.split("/")
                box.setdefault(attribute, {})[level] = {"AP": value}
            box["category"] = {category: {"AP": value} for category in CATEGORY_NAMES}
            folder = tmp_path / name / "reports" / f"run_{number}"
            folder.mkdir(parents=True)
            (folder / "metrics.json").write_text(json.dumps({"box": box}))
    monkeypatch.chdir(tmp_path)
    return ["first", "second"]


def test_a_terminal_gets_plain_tables(
    reports: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["compare", *reports]) == 0
    text = capsys.readouterr().out
    assert not [mark for mark in ("|", "**", "<details>", "# ") if mark in text]
    assert "Differences on the subsets" in text
    assert "+0.100" in text
    for name in ("scale small", "viewpoint side or back", *CATEGORY_NAMES):
        assert any(line.startswith(name) for line in text.splitlines())
    assert all(f"run_{number}:" in text for number in range(8))
    assert max(len(line) for line in text.splitlines()) <= 120


def test_a_file_or_a_pipe_gets_markdown(reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *reports]) == 0
    assert "|:--" in capsys.readouterr().out


def test_a_terminal_gets_markdown_when_asked(
    reports: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["compare", *reports, "--markdown"]) == 0
    assert "|:--" in capsys.readouterr().out
