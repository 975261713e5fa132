"""Thresholds pass or fail by the runs' metrics."""

from pathlib import Path

import pytest

from matchrcnn.errors import UserError
from matchrcnn.files import write_json
from matchrcnn.project import Run
from matchrcnn.reporting.check import as_table, check_runs
from tests.support import contract_files


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write_json(tmp_path / "reports/detection/metrics.json", {"box": {"overall": {"AP50": 0.6, "AP": None}}})
    return contract_files.project(tmp_path, {"detection": "detection"}).run("detection")


@pytest.mark.parametrize(("threshold", "passed"), [(0.59, True), (0.6, True), (0.61, False)])
def test_a_threshold_is_reached_from_its_value_on(run: Run, threshold: float, passed: bool) -> None:
    (check,) = check_runs([run], {"detection": {"box/overall/AP50": threshold}})
    assert check.passed == passed
    assert ("MISSED" in as_table([check])) != passed


def test_a_run_without_thresholds_is_not_checked(run: Run) -> None:
    assert check_runs([run], {}) == []


@pytest.mark.parametrize("metric", ["box/overall/AP", "box/overall/AP51", "mask/overall/AP"])
def test_a_threshold_of_something_that_was_not_measured_names_file_and_metric(run: Run, metric: str) -> None:
    with pytest.raises(UserError, match=rf"metrics\.json: no number at {metric}.*check\.detection"):
        check_runs([run], {"detection": {metric: 0.5}})
