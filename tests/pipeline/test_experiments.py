"""docs/experiments.md, command by command: experiments, a queue, a remote, and a clone that has nothing to run."""

import csv
import re
import shlex
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs/experiments.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
COMPARE = (sys.executable, "-m", "matchrcnn.cli", "compare")


def documented(start: str) -> list[str]:
    """The one command of the page that begins so, as arguments."""
    (command,) = (line for line in COMMANDS if line.startswith(start))
    return shlex.split(command, comments=True)


@pytest.mark.documents("docs/experiments.md", "dvc exp run -n slower")
def test_an_experiment_trains_its_run_alone(project) -> None:  # noqa: ANN001
    output = project.ask(*documented("dvc exp run -n slower"))
    stages = {f"{stage}@detection" for stage in ("train", "predict", "evaluate")}
    assert set(project.ran(output)) == {"settings", *stages, "report", "check"}
    assert project.params()["runs"]["detection"]["training"] == {"base_lr": 0.001}
    client = MlflowClient(tracking_uri=f"sqlite:///{project.folder}/mlflow.db")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    names = {run.data.tags.get("dvc.experiment"): run.data.params["training.base_lr"] for run in runs}
    assert names["slower"] == "0.001"
    assert names[None] != "0.001"


@pytest.mark.documents("docs/experiments.md", "dvc exp show")
def test_the_table_of_experiments_has_what_was_changed_and_what_it_gave(project) -> None:  # noqa: ANN001
    shown = [*documented("dvc exp show"), "--csv", "--no-pager"]
    header, *rows = csv.reader(project.ask(*shown).splitlines())
    assert "runs.detection.training.base_lr" in header
    assert "detection.box.AP" in header
    assert not [name for name in header if "/" in name]
    assert {"workspace", "main", "slower"} <= {name for row in rows for name in row[:2]}


@pytest.mark.documents("README.md", "dvc metrics diff")
@pytest.mark.documents("docs/experiments.md", "matchrcnn compare main slower")
def test_an_experiment_is_compared_by_its_name(project) -> None:  # noqa: ANN001
    name, *versions = documented("matchrcnn compare main slower")[1:]
    assert name == "compare"
    text = project.ask(*COMPARE, *versions)
    assert re.search(r"\| runs.detection.training.base_lr +\| \S+ +\| 0.001 +\|", text)
    assert "Without intervals" not in text
    assert "detection.box.AP" in project.ask("dvc", "metrics", "diff", "--all", "main")


@pytest.mark.documents(
    "docs/experiments.md", "dvc exp run --queue", "dvc queue start", "dvc exp list", "dvc exp apply NAME"
)
def test_experiments_wait_in_a_queue_and_are_taken_over_by_name(project) -> None:  # noqa: ANN001
    project.ask("git", "checkout", "-q", "--", ".")
    project.ask("dvc", "checkout", "-q")
    queued = project.ask(*documented("dvc exp run --queue"))
    assert queued.count("Queued experiment") == 2
    project.ask("dvc", "exp", "run", "--run-all", "--jobs", "1")
    names = re.findall(r"Queued experiment '([\w-]+)'", queued)
    listed = project.ask(*documented("dvc exp list"))
    assert all(name in listed for name in names)
    project.ask("dvc", "exp", "apply", names[0])
    rule = project.params()["evaluation"]["subset_rule"]
    assert rule in ("all_images", "whole_images")
    assert f'"subset_rule": "{rule}"' in (project.folder / "reports/detection/protocol.json").read_text()
    assert "by another subset rule" in project.ask(*COMPARE, "main", names[0])
    project.ask("git", "checkout", "-q", "--", ".")
    project.ask("dvc", "checkout", "-q")


@pytest.mark.documents("README.md", "dvc pull")
@pytest.mark.documents("docs/experiments.md", "dvc remote add", "dvc push", "dvc pull")
def test_a_clone_that_pulls_has_nothing_to_run(project, tmp_path: Path) -> None:  # noqa: ANN001
    *add, _ = documented("dvc remote add")
    project.ask(*add, str(tmp_path / "a remote"))
    project.ask("git", "commit", "-q", "-a", "-m", "remote")
    project.ask(*documented("dvc push"))
    project.ask("git", "clone", "-q", str(project.folder), str(tmp_path / "a clone"))
    clone = type(project)(tmp_path / "a clone")
    clone.ask(*documented("dvc pull"))
    assert "up to date" in clone.ask("dvc", "status")
    assert clone.repro() == []
    weights = "models/detection/model.safetensors"
    assert (clone.folder / weights).read_bytes() == (project.folder / weights).read_bytes()
    assert clone.ask("git", "status", "--porcelain") == ""
    text = clone.ask(*COMPARE, "main", str(project.folder))
    assert "The same results in every run" in text
    assert clone.ask("python", "-m", "tools.track").startswith("MLflow is up to date")
