"""A run of a project is trained from its files to its files, and listeners hear of it."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import safetensors.numpy

from matchrcnn.config import Params
from matchrcnn.data.split import load_split
from matchrcnn.errors import UserError
from matchrcnn.project import CARD, CONFIG, TRAINING, WEIGHTS, Project, Run, TrainingSummary
from matchrcnn.training import setup
from matchrcnn.training.run import train_run
from matchrcnn.training.train import InterruptedTrainingError


class Notes:
    """A listener that notes what it hears; at an iteration it may raise or send a signal."""

    def __init__(self, stop_at: int | None = None, broken: bool = False) -> None:
        self.heard: list[object] = []
        self.stop_at, self.broken = stop_at, broken

    def started(self, run: Run, summary: TrainingSummary) -> None:
        if self.broken:
            raise UserError("no listener")
        self.heard.append((run.name, summary.iterations))

    def measured(self, iteration: int, _values: Mapping[str, float]) -> None:
        if iteration == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.heard[-1] != iteration:
            self.heard.append(iteration)

    def finished(self, folder: Path) -> None:
        self.heard.append(folder / WEIGHTS)
        assert (folder / WEIGHTS).is_file()

    def failed(self, error: BaseException) -> None:
        self.heard.append(type(error))


@pytest.fixture
def project(tmp_path: Path, tiny_splits: dict, sample_preset: Params) -> Project:
    values = sample_preset.model_dump(mode="json")
    values["data"]["root"] = str(tiny_splits["train"].images.parents[1])
    values["model"] |= {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 8}
    values["training"] |= {"epochs_1x": 1, "minibatch": 4, "log_every": 2, "checkpoint_every": 3}
    values["training"] |= {"validation_images": 4, "warmup_iterations": 2}
    values["runs"] = {"tiny": {"task": "detection", "schedule": "1x", "init_from": "initial"}}
    values |= {"check": {}, "hardware": {"device": "cpu", "loader_workers": 0}}
    project = Project(tmp_path, Params.model_validate(values))
    for name, split in tiny_splits.items():
        project.annotations(name).parent.mkdir(parents=True, exist_ok=True)
        project.annotations(name).symlink_to(split.annotations)
    initial = project.run("tiny").initial_weights
    initial.parent.mkdir(parents=True)
    safetensors.numpy.save_file({}, initial)
    return project


def test_a_training_leaves_its_files_and_no_checkpoint(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, notes, run = [], Notes(), project.run("tiny")
    monkeypatch.setattr(setup, "load_split", lambda split: loaded.append(split.annotations) or load_split(split))
    trained = train_run(project, "tiny", project.params.hardware, [notes])
    assert loaded == [project.annotations("train"), project.annotations("validation")]  # once each
    assert trained.model == run.model
    assert {path.name for path in trained.model.iterdir()} == {WEIGHTS, CONFIG, TRAINING, CARD}
    assert [row["iteration"] for row in run.curves] == ["2", "4", "6"]
    assert trained.curves.is_file()
    assert run.provenance["wall_s"] > 0
    assert not list(run.checkpoints.iterdir())
    assert notes.heard == [("tiny", 6), 2, 4, 6, run.weights]


def test_an_interrupted_training_resumes_to_the_same_files(project: Project) -> None:
    run, hardware = project.run("tiny"), project.params.hardware
    train_run(project, "tiny", hardware)
    files = (*run.model.iterdir(), run.reports / "curves.csv")
    whole = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    notes = Notes(stop_at=4)
    with pytest.raises(InterruptedTrainingError, match="SIGTERM after 4 iterations"):
        train_run(project, "tiny", hardware, [notes])
    assert notes.heard == [("tiny", 6), 2, 4, InterruptedTrainingError]
    assert list(run.checkpoints.rglob("*.pt"))
    assert not any(path.exists() for path in files)
    resumed = Notes()
    train_run(project, "tiny", hardware, [resumed])
    assert resumed.heard == [("tiny", 6), 6, run.weights]
    assert {path: path.read_bytes() for path in files} == whole


def test_listeners_that_started_hear_of_a_failure(project: Project) -> None:
    first, broken = Notes(), Notes(broken=True)
    with pytest.raises(UserError, match="no listener"):
        train_run(project, "tiny", project.params.hardware, [first, broken])
    assert first.heard == [("tiny", 6), UserError]
    assert broken.heard == []


def test_missing_initial_weights_are_named(project: Project) -> None:
    weights = project.run("tiny").initial_weights
    weights.unlink()
    with pytest.raises(UserError, match=r"initial/model\.safetensors: no such file; train that run first, tiny"):
        train_run(project, "tiny", project.params.hardware)
    with pytest.raises(UserError, match="no run is named 'other'; runs: tiny"):
        train_run(project, "other", project.params.hardware)
