"""`dvc repro` for real: it runs what a change touches and nothing else, and gives the same bytes again."""

import json
import resource
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from matchrcnn.config import SampleParams
from matchrcnn.data.sample import write_sample

pytestmark = pytest.mark.slow


def digests(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and bytes of every file of a folder."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there(project) -> None:  # noqa: ANN001
    folder = project.folder
    metrics = json.loads((folder / "reports/segmentation/metrics.json").read_text())
    assert set(metrics) == {"box", "mask"}
    assert {"overall", "scale", "occlusion", "zoom_in", "viewpoint", "category"} <= set(metrics["mask"])
    assert (folder / "models/detection/model.safetensors").is_file()
    assert "sample data" in (folder / "models/detection/card.md").read_text()
    assert "Sample data" in (folder / "reports/benchmarks.md").read_text()
    assert (folder / "reports/index.html").is_file()
    assert not list((folder / ".work/checkpoints").rglob("*.pt"))
    shown = project.run("dvc", "metrics", "show").stdout
    assert "detection.box.AP50" in shown
    assert "segmentation.mask.AP" in shown


def test_again_runs_nothing(project) -> None:  # noqa: ANN001
    assert project.repro() == []


def test_finding_nothing_to_do_takes_little_longer_than_the_status(project) -> None:  # noqa: ANN001
    def seconds(command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "up to date" in project.ask("dvc", command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    repro, status = zip(*((seconds("repro"), seconds("status")) for _ in range(3)), strict=True)
    assert min(repro) < 1.5 * min(status)


def test_a_comment_runs_nothing(project) -> None:  # noqa: ANN001
    path = project.folder / "params.yaml"
    path.write_text("# a comment\n" + path.read_text())
    assert project.repro() == []


def test_a_forced_training_gives_the_same_lock(project) -> None:  # noqa: ANN001
    before = project.lock()
    assert project.repro("-f", "-s", "train@detection") == ["train@detection"]
    assert project.lock() == before
    assert project.repro() == []


def test_tracking_catches_up_without_duplicates(project) -> None:  # noqa: ANN001
    (project.folder / "mlflow.db").unlink()
    for _ in range(2):
        assert project.run("python", "-m", "tools.track").returncode == 0
    runs = MlflowClient(tracking_uri=f"sqlite:///{project.folder}/mlflow.db")
    found = [run for experiment in runs.search_experiments() for run in runs.search_runs([experiment.experiment_id])]
    assert sorted(run.data.tags["run"] for run in found) == ["detection", "segmentation"]


def test_a_runs_learning_rate_reruns_that_run_alone(project) -> None:  # noqa: ANN001
    values = project.params()
    values["runs"]["detection"]["training"] = {"base_lr": 0.001}
    project.set_params(values)
    stages = project.repro()
    assert set(stages) == {"settings", "train@detection", "predict@detection", "evaluate@detection", "report", "check"}


def test_a_missed_threshold_fails_and_says_which(project) -> None:  # noqa: ANN001
    values = project.params()
    project.set_params(values | {"check": {"detection": {"box/overall/AP50": 1.0}}})
    done = project.run("dvc", "repro")
    project.set_params(values)
    assert done.returncode != 0
    assert "box/overall/AP50" in done.stdout


def test_a_data_set_elsewhere_is_read_in_place(project, tmp_path: Path) -> None:  # noqa: ANN001
    root = tmp_path / "another data set"
    write_sample(root, SampleParams(seed=9, train_images=12, validation_images=12), workers=1)
    before = digests(root)
    values = project.params()
    project.set_params(values | {"data": {"root": str(root)}})
    stages = project.repro()
    assert "convert@train" in stages
    assert "train@detection" in stages
    assert "sample" not in stages
    assert digests(root) == before
    assert "Sample data" in (project.folder / "reports/benchmarks.md").read_text()
    shutil.rmtree(project.folder / "reports" / "data")


def test_a_preset_goes_into_params(project) -> None:  # noqa: ANN001
    assert "paper" in project.run("python", "-m", "tools.preset").stdout
    done = project.run("python", "-m", "tools.preset", "nobody")
    assert done.returncode == 2
    assert "presets: paper" in done.stderr
    assert project.run("python", "-m", "tools.preset", "paper").returncode == 0
    assert project.params()["preset"] == "paper"
