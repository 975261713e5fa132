"""Where a project's own folder is."""

from pathlib import Path

import pytest

from matchrcnn.project import Project


@pytest.mark.parametrize("inside", ["", ".dvc/tmp/exps/standalone_1", ".dvc/tmp/exps/abc/a subfolder"])
def test_an_experiment_in_a_copy_of_the_project_is_at_home_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / inside)
    assert Project().home == tmp_path.resolve()


def test_a_folder_that_is_only_called_so_is_at_home_in_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "tmp/exps/project"
    other.mkdir(parents=True)
    monkeypatch.chdir(other)
    assert Project().home == other.resolve()
