"""Stores of other kinds: an MLflow server that dies midway, and PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from matchrcnn.files import sha256, write_json
from matchrcnn.project import METRICS, Run
from matchrcnn.tracking.stream import TrainingTracker
from matchrcnn.tracking.subject import TRAINING, Subject
from matchrcnn.tracking.sync import sync
from matchrcnn.tracking.worker import Worker
from tests.support.chromium import CHROMIUM, browser
from tests.support.tracked_store import ONLY_DIFFERENCES, SUMMARY, TEXT, Tracked, free_port, kill, mlflow_command

POSTGRESQL = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
"""Debian's, which are not on the path."""

SYSTEM_USER = "nobody"
PATIENCE_S = 3.0


@pytest.mark.slow
def test_a_server_that_dies_midway_costs_a_moment_and_is_caught_up_with(
    tmp_path: Path, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "artifacts"]
    with mlflow_command(tmp_path, *command, answers=f"{uri}/health") as server:
        tracker = TrainingTracker(uri, PATIENCE_S)
        tracker.started(run, SUMMARY)
        tracker.measured(2, {"lr": 0.1, "total_loss": 0.5})
        _wait_for_a_point(uri)
        kill(server)
        started = time.monotonic()
        tracker.measured(4, {"lr": 0.1, "total_loss": 0.25})
        tracker.finished(run.model)
        assert time.monotonic() - started < PATIENCE_S + 2
        assert not sync([run], uri)
    assert "tools.track" in capfd.readouterr().err
    with mlflow_command(tmp_path, *command, answers=f"{uri}/health"):
        for _ in range(2):
            assert sync([run], uri)
        tracked = Tracked(uri)
        assert tracked.run().info.status == "FINISHED"
        assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
        assert "model.safetensors" in tracked.artifacts("model")


def _wait_for_a_point(uri: str) -> None:
    """Until the run has its first point."""
    client, until = MlflowClient(tracking_uri=uri), time.monotonic() + 120
    while time.monotonic() < until:
        experiment = client.get_experiment_by_name("test data aaaaaaaa")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        if runs and "training/total_loss" in runs[0].data.metrics:
            return
        time.sleep(0.2)
    raise AssertionError("nothing was streamed")


@pytest.fixture
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of its own on loopback, gone after the test; PostgreSQL refuses to be run by root."""
    if POSTGRESQL is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    as_user = []
    folder = tmp_path_factory.mktemp("postgresql").resolve()
    if os.geteuid() == 0:
        as_user = ["setpriv", f"--reuid={SYSTEM_USER}", "--clear-groups", f"--regid={_group()}", "--"]
        folder = Path(
            subprocess.run([*as_user, "mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip()
        )
    port, data = free_port(), folder / "data"
    tool = {name: [*as_user, str(POSTGRESQL / name)] for name in ("initdb", "pg_ctl")}
    quiet = {"check": True, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*tool["initdb"], "-D", data, "-U", "tester", "-A", "trust", "--no-sync"], **quiet)
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    subprocess.run([*tool["pg_ctl"], "-D", data, "-o", options, "-l", folder / "log", "-w", "start"], **quiet)
    try:
        yield f"postgresql://tester:secret@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*tool["pg_ctl"], "-D", data, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder)


def _group() -> str:
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(SYSTEM_USER).pw_gid).gr_name


@pytest.mark.slow
def test_postgresql_holds_the_same(
    postgresql: str,
    tmp_path: Path,
    subject: Subject,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # where artifacts of a database without a server go
    worker = Worker(subject, postgresql)
    for iteration in (2, 4):
        worker.add({"step": iteration, "time_ms": iteration, "values": {"training/total_loss": 1 / iteration}})
        worker.send()
    worker.end({"status": "FINISHED", "model": sha256(run.weights)})
    write_json(run.reports / METRICS, {"box": {"overall": {"AP": 0.5}}})
    for _ in range(2):
        assert sync([run], postgresql)
    tracked = Tracked(postgresql.replace("postgresql", "postgresql+psycopg2", 1))
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert tracked.run().data.metrics["box/overall/AP"] == 0.5
    assert len(tracked.run().inputs.dataset_inputs) == 2
    assert tracked.artifacts("model") == ["card.md", "config.yaml", "model.safetensors", "training.json"]
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)  # ten tries take it 100 s
    assert not sync([run], postgresql.replace("/postgres", "/nowhere"))
    assert "secret" not in capfd.readouterr().err


def log_run(uri: str, subject: Subject, rate: str) -> None:
    """A training with a learning rate, and the better numbers the higher it is."""
    changed = replace(
        subject,
        name=f"detection base_lr={rate}",
        training=rate,
        params={**subject.params, "training.base_lr": rate},
        tags={**subject.tags, TRAINING: rate},
    )
    worker = Worker(changed, uri)
    for iteration in (2, 4):
        values = {"training/total_loss": 1 / iteration, "training/epoch": iteration / 4}
        worker.add({"step": iteration, "time_ms": iteration, "values": values})
    worker.add({"step": 4, "time_ms": 5, "values": {"box/overall/AP": 100 * float(rate)}})
    worker.send()
    worker.end({"status": "FINISHED", "model": rate})


SELECT = """[...document.querySelectorAll('[role=row]')].filter(row => row.innerText.includes('base_lr='))
    .map(row => row.querySelector('input[type=checkbox]'))
    .filter(box => box.checked || box.click() || true).length == 2"""
PRESS = """location.hash.includes('compare-runs')
    || [...document.querySelectorAll('button')].find(button => button.innerText.trim() == 'Compare').click()"""


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_who_selects_two_runs_and_presses_compare_sees_what_differs(
    postgresql: str, tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for rate in ("0.002", "0.004"):
        log_run(postgresql, subject, rate)
    port, store = free_port(), postgresql.replace("postgresql", "postgresql+psycopg2", 1)
    where = f"http://127.0.0.1:{port}"
    command = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri", store]
    experiment = Tracked(store).run_experiment()
    with (
        mlflow_command(tmp_path, *command, answers=f"{where}/health"),
        browser(tmp_path / "profile") as page,
    ):
        page.visit(f"{where}/#/experiments/{experiment}/runs")
        page.wait_for(SELECT)
        page.wait_for(PRESS)
        page.wait_for(f"{TEXT}.includes('Comparing 2 Runs')")
        page.run(ONLY_DIFFERENCES)
        page.wait_for(f"!{TEXT}.includes('model.pixel_mean')")
        lines = [line.split("\t") for line in page.run(TEXT).splitlines()]
    parameters = lines[lines.index(["Parameters"]) : lines.index(["Metrics"])]
    metrics = lines[lines.index(["Metrics"]) : lines.index(["Artifacts"])]
    assert [name for name, *values in parameters if len(values) == 2] == ["training.base_lr"]
    assert {value for name, *values in parameters for value in values} == {"0.002", "0.004"}
    assert ["box/overall/AP"] in [line[:1] for line in metrics]
    assert ["training/total_loss"] not in [line[:1] for line in metrics]  # does not differ
