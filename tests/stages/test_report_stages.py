"""The stages report and check, run in a pipeline's folder as DVC runs them."""

import shutil
from pathlib import Path

import pytest
import yaml

import stages
from matchrcnn.data.marker import FIRST_LINE
from stages import check, report
from tests.support import contract_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    contract_files.write_pipeline(tmp_path, images=4, runs={"detection": "detection"})
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    monkeypatch.chdir(tmp_path)
    _write_params(tmp_path)
    (tmp_path / "data/sample").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data/sample/README.txt").write_text(FIRST_LINE)
    return tmp_path


def _write_params(folder: Path, threshold: float = 0.1, root: str = "data/sample") -> None:
    raw = yaml.safe_load((ROOT / "pipelines/sample.yaml").read_text())
    raw |= {
        "runs": {"detection": {"task": "detection", "schedule": "2x", "init_from": "initial"}},
        "data": {"root": root},
    }
    raw |= {"check": {"detection": {"box/overall/AP": threshold}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))


def test_the_report_stage_writes_both_files_and_says_where(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.main()
    written = ["reports/benchmarks.md", "reports/index.html", "data/benchmarks.csv"]
    assert capsys.readouterr().out.splitlines() == written
    assert "Sample data" in (pipeline / "reports/benchmarks.md").read_text()
    assert "made at commit" in (pipeline / "reports/index.html").read_text()


@pytest.mark.parametrize(("first_line", "sample"), [(FIRST_LINE, True), ("Photographs of mine.", False)])
def test_sample_data_at_another_place_are_known_by_their_readme(pipeline: Path, first_line: str, sample: bool) -> None:
    (pipeline / "elsewhere").mkdir()
    (pipeline / "elsewhere/README.txt").write_text(first_line)
    _write_params(pipeline, root="elsewhere")
    report.main()
    assert ("Sample data" in (pipeline / "reports/benchmarks.md").read_text()) == sample


def test_the_check_stage_passes_when_every_threshold_is_reached(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check.main()
    assert "reached" in capsys.readouterr().out


def test_the_check_stage_exits_with_1_when_one_is_missed(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_params(pipeline, threshold=0.99)
    with pytest.raises(SystemExit) as error:
        stages.run(check.main)
    assert error.value.code == 1
    assert "MISSED" in capsys.readouterr().out


def test_a_run_that_was_not_evaluated_is_an_error_of_one_line(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pipeline / "reports/detection/metrics.json").unlink()
    with pytest.raises(SystemExit) as error:
        stages.run(report.main)
    assert error.value.code == 2
    assert "reports/detection/metrics.json: no such file" in capsys.readouterr().err
