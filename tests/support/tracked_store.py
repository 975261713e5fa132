"""A tracking store as a test looks at it, and servers that a test starts and kills."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from matchrcnn.project import Run as ProjectRun
from matchrcnn.project import TrainingSummary

SUMMARY = TrainingSummary("test data", "a" * 64, "b" * 64, 10, 20, 4, (), "0123456789abcdef")
STARTING_S = 240
"""Seconds for a server to start on a busy machine; 10 on an idle one."""

TEXT = "(document.body || {innerText: ''}).innerText"
ONLY_DIFFERENCES = "document.querySelectorAll('[role=switch]').forEach(button => button.click())"
"""What MLflow's UI shows, and a click on each *Show diff only*, in JavaScript."""


class Tracked:
    """A tracking store as a test looks at it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri)

    def runs(self) -> list[Run]:
        """Every run that is not deleted."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return list(self.client.search_runs(experiments))

    def run(self) -> Run:
        """The only one."""
        (run,) = self.runs()
        return run

    def run_experiment(self) -> str:
        """The id of the one experiment that has runs."""
        (experiment,) = {run.info.experiment_id for run in self.runs()}
        return str(experiment)

    def points(self, name: str) -> list[tuple[int, float]]:
        """The points of a metric of the only run, as they were logged."""
        history = self.client.get_metric_history(self.run().info.run_id, name)
        return sorted((point.step, point.value) for point in history)

    def artifacts(self, folder: str) -> list[str]:
        """Names of the only run's artifacts in a folder."""
        return [entry.path.rpartition("/")[2] for entry in self.client.list_artifacts(self.run().info.run_id, folder)]


def reread(run: ProjectRun) -> ProjectRun:
    """The run, with none of its files read yet."""
    return run.project.run(run.name)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def mlflow_command(folder: Path, *arguments: str, answers: str) -> Iterator[subprocess.Popen]:
    """`mlflow ARGUMENTS` in a folder, without this repository on its path, from its first answer to the block's end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(answers, process)
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen) -> None:
    """End a server and its workers at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + STARTING_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")
