"""A training streams its curves through a process of its own, and loses nothing by it."""

import socket
import time
from pathlib import Path

import pytest

from matchrcnn.tracking.stream import TrainingTracker
from matchrcnn.tracking.subject import Subject
from matchrcnn.tracking.sync import RunFiles, sync
from matchrcnn.training.train import InterruptedTrainingError
from tests.support.tracked_store import Tracked

PATIENCE_S = 120.0
"""Long enough for a busy machine to import MLflow."""


def train(subject: Subject, uri: str, model: Path, patience: float = PATIENCE_S) -> float:
    """What a training tells its tracker; returns the seconds that it lost."""
    started = time.monotonic()
    with TrainingTracker(subject, uri, patience) as tracker:
        for iteration in (2, 4):
            tracker(iteration, {"lr": 0.1, "total_loss": 1 / iteration})
        tracker.finish(model)
    return time.monotonic() - started


def test_curves_are_streamed_and_evaluation_joins_them(tracked: Tracked, subject: Subject, files: RunFiles) -> None:
    train(subject, tracked.uri, files.model)
    streamed = tracked.run()
    assert streamed.info.status == "FINISHED"
    assert streamed.data.tags["preset"] == "sample"
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    sync([files], tracked.uri)
    assert tracked.run().info.run_id == streamed.info.run_id
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]


def test_an_interrupted_training_is_marked_as_such(tracked: Tracked, subject: Subject) -> None:
    tracker = TrainingTracker(subject, tracked.uri, PATIENCE_S)
    tracker(2, {"total_loss": 0.5})
    tracker.__exit__(InterruptedTrainingError, None, None)
    assert tracked.run().info.status == "KILLED"


def test_a_server_that_accepts_and_never_answers_costs_its_patience_alone(
    tracked: Tracked, subject: Subject, files: RunFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert train(subject, uri, files.model, patience=2) < 4
        said = capfd.readouterr().err
        assert said.count("failed") == 1
        assert "tools.track" in said
        started = time.monotonic()
        assert not sync([files], uri, patience=1)
        assert time.monotonic() - started < 3
    assert sync([files], tracked.uri)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]


def test_a_server_that_is_down_fails_nothing(
    subject: Subject, files: RunFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        uri = f"http://127.0.0.1:{closed.getsockname()[1]}"
    train(subject, uri, files.model)
    assert not sync([files, files], uri)
    said = capfd.readouterr().err
    assert said.count("streaming curves failed") == 1
    assert said.count("bringing runs up to date failed") == 1


def test_measurements_never_wait(subject: Subject) -> None:
    """A worker that does not read fills the pipe; the training goes on."""
    tracker = TrainingTracker(subject, "http://127.0.0.1:9", 0.1)
    tracker._worker.send_signal(19)  # SIGSTOP
    started = time.monotonic()
    for iteration in range(5000):
        tracker(iteration, {"total_loss": 1.0, "lr": 0.1})
    tracker._end({"status": "KILLED"})
    assert time.monotonic() - started < 5
    assert tracker._worker.poll() is not None
