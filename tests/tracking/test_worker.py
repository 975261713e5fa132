"""The process that talks to MLflow, message by message."""

from collections.abc import Sequence

import pytest

from matchrcnn.files import sha256
from matchrcnn.project import Run
from matchrcnn.tracking import worker as worker_module
from matchrcnn.tracking.store import Store
from matchrcnn.tracking.subject import Subject
from matchrcnn.tracking.sync import sync
from matchrcnn.tracking.worker import Worker
from tests.support.tracked_store import Tracked


def told(subject: Subject, uri: str, iterations: Sequence[int], end: dict) -> Worker:
    """A worker that has heard of a training from beginning to end."""
    worker = Worker(subject, uri)
    for iteration in iterations:
        worker.add({"step": iteration, "time_ms": 1000 + iteration, "values": {"training/total_loss": 1 / iteration}})
        worker.send()
    worker.end(end)
    return worker


def finished(run: Run) -> dict:
    return {"status": "FINISHED", "model": sha256(run.weights)}


def test_an_interrupted_training_goes_on_in_its_run(tracked: Tracked, subject: Subject, run: Run) -> None:
    told(subject, tracked.uri, (2, 4), {"status": "KILLED"})
    assert tracked.run().info.status == "KILLED"
    told(subject, tracked.uri, (4, 6), finished(run))  # from a checkpoint after 2 iterations
    assert tracked.run().info.status == "FINISHED"
    assert [step for step, _ in tracked.points("training/total_loss")] == [2, 4, 6]


def test_what_a_failed_training_streamed_is_completed_from_the_files(
    tracked: Tracked, subject: Subject, run: Run
) -> None:
    told(subject, tracked.uri, (2,), {"status": "FAILED"})
    sync([run], tracked.uri)
    assert tracked.run().info.status == "FINISHED"
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]


def test_the_same_training_with_the_same_outcome_is_one_run(tracked: Tracked, subject: Subject, run: Run) -> None:
    sync([run], tracked.uri)
    known = tracked.run().info.run_id
    told(subject, tracked.uri, (2, 4), finished(run))
    assert tracked.run().info.run_id == known


def test_a_store_that_comes_back_gets_what_waited_for_it_once(
    tracked: Tracked,
    subject: Subject,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = Store.log_metrics

    def lost_answer(store: Store, run_id: str, metrics: list) -> None:
        whole(store, run_id, metrics)
        raise ConnectionError("no answer")

    worker = Worker(subject, tracked.uri)
    worker.send()
    with monkeypatch.context() as broken:
        broken.setattr(Store, "log_metrics", lost_answer)
        for iteration in (2, 4):
            worker.add({"step": iteration, "time_ms": 1, "values": {"training/total_loss": 1 / iteration}})
            assert not worker.send()
    worker.end(finished(run))
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert capsys.readouterr().err.count("no answer") == 1


def test_a_store_that_failed_is_left_alone_for_a_while(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def refuse(self: Store, uri: str) -> None:
        asked.append(uri)
        raise ConnectionError("refused")

    monkeypatch.setattr(worker_module.Store, "__init__", refuse)
    told(subject, "http://127.0.0.1:9", range(1, 50), {"status": "KILLED"})
    assert len(asked) == 2  # at first, and at the end
    assert capsys.readouterr().err.count("refused") == 1


def test_the_machine_is_sampled(tracked: Tracked, subject: Subject, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.001")
    told(subject, tracked.uri, (2, 4), finished(run))
    metrics = tracked.run().data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert metrics["system/system_memory_usage_megabytes"] > 0
