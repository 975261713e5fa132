"""docs/export.md's measurement of what rounding does to an untrained network."""

import re
import sys
from pathlib import Path

import pytest

from studies import rounding


@pytest.mark.documents("docs/export.md", "python -m studies.rounding")
@pytest.mark.slow
def test_the_file_of_an_untrained_network_finds_what_double_precision_finds(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = sorted((tiny_root / "validation" / "image").iterdir())[0]
    monkeypatch.setattr(rounding, "EDGE", 96)
    monkeypatch.setattr(sys, "argv", ["rounding", str(picture)])
    rounding.main()
    shown = capsys.readouterr().out
    rows = re.findall(r"\| (torch|torch without oneDNN|ONNX) +\| +(\d+) \| +(\d+) \| +([\d.]+) \|", shown)
    assert [program for program, *_ in rows] == ["torch", "torch without oneDNN", "ONNX"]
    for _, count, exact, median in rows:
        assert 0 < int(count) == int(exact)
        assert float(median) < 0.05
