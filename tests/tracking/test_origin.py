"""What MLflow is told of a run's origin."""

import pytest

from matchrcnn.config import Params
from matchrcnn.project import Project
from matchrcnn.tracking.origin import origin_tags, preset_run
from tests.conftest import ROOT


def test_tags_name_the_experiment_where_there_is_one(sample_preset: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Project(ROOT, sample_preset).run("detection")
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    tags = origin_tags(run)
    assert (tags["preset"], tags["dvc.stage"]) == ("sample", "train@detection")
    assert "dvc.experiment" not in tags
    monkeypatch.setenv("DVC_EXP_NAME", "slower")
    assert origin_tags(run) == tags | {"dvc.experiment": "slower"}


def test_a_run_is_compared_with_its_preset(sample_preset: Params) -> None:
    values = sample_preset.model_dump(mode="json")
    values["runs"]["detection"]["training"] = {"base_lr": 0.5}
    values["runs"]["mine"] = values["runs"]["detection"]
    project = Project(ROOT, Params.model_validate(values))
    shared = sample_preset.run("detection")
    assert preset_run(project.run("detection")) == shared
    assert preset_run(project.run("mine")) == shared.model_copy(update={"name": "mine"})
    assert preset_run(Project(ROOT / "tests", project.params).run("detection")) is None
