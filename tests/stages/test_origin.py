"""What MLflow is told of a run's origin, and where its database lies."""

from pathlib import Path

import pytest

from matchrcnn.config import Params
from tools.origin import home, tracking_tags


@pytest.mark.parametrize("inside", ["", ".dvc/tmp/exps/standalone_1", ".dvc/tmp/exps/abc/a subfolder"])
def test_an_experiment_in_a_copy_of_the_project_is_at_home_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / inside)
    assert home() == tmp_path.resolve()


def test_a_folder_that_is_only_called_so_is_at_home_in_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "tmp/exps/project"
    other.mkdir(parents=True)
    monkeypatch.chdir(other)
    assert home() == other.resolve()


def test_tags_name_the_experiment_where_there_is_one(sample_preset: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    tags = tracking_tags(sample_preset, "detection")
    assert (tags["preset"], tags["dvc.stage"]) == ("sample", "train@detection")
    assert "dvc.experiment" not in tags
    monkeypatch.setenv("DVC_EXP_NAME", "slower")
    assert tracking_tags(sample_preset, "detection") == tags | {"dvc.experiment": "slower"}
