"""A training streams its curves through a process of its own, and loses nothing by it."""

import pickle
import socket
import time

import pytest

from matchrcnn.project import Run
from matchrcnn.tracking.stream import TrainingTracker
from matchrcnn.tracking.sync import sync
from matchrcnn.training.train import InterruptedTrainingError
from tests.support.tracked_store import SUMMARY, Tracked

PATIENCE_S = 120.0
"""Long enough for a busy machine to import MLflow."""


def tracker_of(run: Run, uri: str, patience: float = PATIENCE_S) -> TrainingTracker:
    """The tracker of a training that starts; it was pickled on its way to the process that trains."""
    tracker = pickle.loads(pickle.dumps(TrainingTracker(uri, patience)))
    tracker.started(run, SUMMARY)
    return tracker


def train(run: Run, uri: str, patience: float = PATIENCE_S) -> float:
    """What a training tells its tracker; returns the seconds that it lost."""
    started = time.monotonic()
    tracker = tracker_of(run, uri, patience)
    for iteration in (2, 4):
        tracker.measured(iteration, {"lr": 0.1, "total_loss": 1 / iteration})
    tracker.finished(run.model)
    return time.monotonic() - started


def test_curves_are_streamed_and_evaluation_joins_them(tracked: Tracked, run: Run) -> None:
    train(run, tracked.uri)
    streamed = tracked.run()
    assert streamed.info.status == "FINISHED"
    assert (streamed.data.tags["preset"], streamed.data.tags["run"]) == ("sample", "detection")
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    sync([run], tracked.uri)
    assert tracked.run().info.run_id == streamed.info.run_id
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]


def test_an_interrupted_training_is_marked_as_such(tracked: Tracked, run: Run) -> None:
    tracker = tracker_of(run, tracked.uri)
    tracker.measured(2, {"total_loss": 0.5})
    tracker.failed(InterruptedTrainingError("SIGTERM after 2 iterations"))
    assert tracked.run().info.status == "KILLED"


def test_a_server_that_accepts_and_never_answers_costs_its_patience_alone(
    tracked: Tracked, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert train(run, uri, patience=2) < 4
        said = capfd.readouterr().err
        assert said.count("failed") == 1
        assert "tools.track" in said
        started = time.monotonic()
        assert not sync([run], uri, patience=1)
        assert time.monotonic() - started < 3
    assert sync([run], tracked.uri)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]


def test_a_server_that_is_down_fails_nothing(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        uri = f"http://127.0.0.1:{closed.getsockname()[1]}"
    train(run, uri)
    assert not sync([run, run], uri)
    said = capfd.readouterr().err
    assert said.count("streaming curves failed") == 1
    assert said.count("bringing runs up to date failed") == 1


def test_measurements_never_wait(run: Run) -> None:
    """A worker that does not read fills the pipe; the training goes on."""
    tracker = tracker_of(run, "http://127.0.0.1:9", 0.1)
    tracker._stream.worker.send_signal(19)  # SIGSTOP
    started = time.monotonic()
    for iteration in range(5000):
        tracker.measured(iteration, {"total_loss": 1.0, "lr": 0.1})
    tracker.failed(KeyboardInterrupt())
    assert time.monotonic() - started < 5
    assert tracker._stream.worker.poll() is not None
