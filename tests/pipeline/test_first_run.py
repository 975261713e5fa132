"""`dvc repro` in a fresh copy of the project, for real: what there is after it, and that nothing is left to do.

The one test of the pipeline that every push runs; the other files of this folder go on from its outcome.
"""

import json

import pytest
from mlflow import MlflowClient

from tests.pipeline.conftest import Project


@pytest.mark.documents("README.md", "dvc repro", "dvc metrics show")
def test_everything_is_there(project: Project) -> None:
    folder = project.folder
    metrics = json.loads((folder / "reports/detection/metrics.json").read_text())
    assert set(metrics) == {"box"}
    assert {"overall", "scale", "occlusion", "zoom_in", "viewpoint", "category"} <= set(metrics["box"])
    assert (folder / "models/detection/model.safetensors").is_file()
    assert "sample data" in (folder / "models/detection/card.md").read_text()
    assert "Sample data" in (folder / "reports/benchmarks.md").read_text()
    assert (folder / "reports/index.html").is_file()
    assert not list((folder / ".work/checkpoints").rglob("*.pt"))
    assert "detection.box.AP50" in project.ask("dvc", "metrics", "show")


def test_the_run_is_in_mlflow(project: Project) -> None:
    client = MlflowClient(tracking_uri=f"sqlite:///{project.folder}/mlflow.db")
    found = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert [run.data.tags["run"] for run in found] == ["detection"]
    assert "box/overall/AP" in found[0].data.metrics


def test_git_has_nothing_to_ignore_and_models_has_its_page(project: Project) -> None:
    assert project.ask("git", "status", "--porcelain") == ""
    assert (project.folder / "models/README.md").is_file()


def test_again_runs_nothing(project: Project) -> None:
    path = project.folder / "params.yaml"
    path.write_text("# a comment\n" + path.read_text())
    assert project.repro() == []
