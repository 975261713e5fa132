"""Where a project's own folder is, and what a run's files say."""

from pathlib import Path

import pytest

from matchrcnn.errors import UserError
from matchrcnn.files import write_json
from matchrcnn.project import Project
from tests.reporting.test_card import TRAINING
from tests.support import contract_files


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


@pytest.mark.parametrize(("field", "value"), [("iterations", "many"), ("drops", None), ("digest", 5)])
def test_a_wrong_field_of_a_trainings_record_is_named(tmp_path: Path, field: str, value: object) -> None:
    contract_files.write_pipeline(tmp_path, images=3)
    run = contract_files.project(tmp_path).runs[0]
    write_json(run.model / "training.json", TRAINING | {field: value})
    with pytest.raises(UserError, match=rf"training\.json: {field}: .*found {value!r}"):
        _ = run.training
