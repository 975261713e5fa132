"""`dvc repro` gives the same bytes again, fails where a threshold is missed, and reads a data set where it is.

Which stages a change reruns: test_dependencies.py for parameters, test_code_dependencies.py for code.
"""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from matchrcnn.config import SampleParams
from matchrcnn.data.sample import write_sample
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow


def digests(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and bytes of every file of a folder."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.documents("README.md", "dvc repro -f train@detection")
def test_a_forced_training_gives_the_same_lock(project: Project) -> None:
    before = project.lock()
    assert project.repro("-f", "-s", "train@detection") == ["train@detection"]
    assert project.lock() == before
    assert project.changed() == set()


@pytest.mark.documents("README.md", "python -m tools.track")
@pytest.mark.documents("docs/mlflow.md", "python -m tools.track")
def test_tracking_catches_up_without_duplicates(project: Project) -> None:
    (project.folder / "mlflow.db").unlink()
    for _ in range(2):
        project.ask("python", "-m", "tools.track")
    client = MlflowClient(tracking_uri=f"sqlite:///{project.folder}/mlflow.db")
    found = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert [run.data.tags["run"] for run in found] == ["detection"]


def test_a_missed_threshold_fails_and_says_which(project: Project) -> None:
    values = project.params()
    project.set_params(values | {"check": {"detection": {"box/overall/AP50": 1.0}}})
    done = project.run("dvc", "repro")
    project.set_params(values)
    assert done.returncode != 0
    assert project.ran(done.stdout) == ["check"]
    assert "box/overall/AP50" in done.stdout


def test_a_data_set_elsewhere_is_read_in_place(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "another data set"
    write_sample(root, SampleParams(seed=9, train_images=12, validation_images=12), workers=1)
    before, values = digests(root), project.params()
    project.set_params(values | {"data": {**values["data"], "root": str(root)}})
    assert {"convert@train", "train@detection"} <= project.changed()
    assert project.repro("convert@train") == ["convert@train"]
    assert digests(root) == before


@pytest.mark.documents("README.md", "python -m tools.preset paper")
@pytest.mark.documents("docs/training.md", "python -m tools.preset single_gpu")
def test_a_preset_goes_into_params(project: Project) -> None:
    assert "paper" in project.ask("python", "-m", "tools.preset")
    done = project.run("python", "-m", "tools.preset", "nobody")
    assert done.returncode == 2
    assert "presets: paper" in done.stderr
    project.ask("python", "-m", "tools.preset", "paper")
    assert project.params()["preset"] == "paper"
