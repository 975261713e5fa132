"""A process that dies ends the run with a clear error, and the run resumes from its last checkpoint to the same end.

The commands are those of docs/training.md.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.numpy

from matchrcnn.config import Params, dump
from matchrcnn.project import WEIGHTS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
PATIENCE = 900
"""Seconds that a busy machine may take; a run that hangs is found out."""


class Project:
    """A folder in which `python -m stages.train` finds all that it needs."""

    def __init__(self, folder: Path, splits: dict, values: dict) -> None:
        self.folder = folder
        (folder / "data/coco").mkdir(parents=True)
        for name, split in splits.items():
            (folder / f"data/coco/{name}.json").symlink_to(split.annotations)
        (folder / "models/initial").mkdir(parents=True)
        safetensors.numpy.save_file({}, folder / "models/initial" / WEIGHTS)
        values["data"]["root"] = str(splits["train"].images.parents[1])
        (folder / "params.yaml").write_text(dump(Params.model_validate(values)))

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            **variables,
            "PYTHONPATH": str(ROOT),
            "MLFLOW_TRACKING_URI": f"file://{self.folder}/refused",  # tracking that fails is no part of this
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, *command], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def train(self) -> subprocess.Popen[str]:
        return self.start("-m", "stages.train", "detection")

    def checkpoint(self, later_than: int = 0) -> int:
        """Waits for a checkpoint and returns its iteration."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [int(path.stem) for path in (self.folder / ".work").rglob("[0-9]*.pt")]
            if found and max(found) > later_than:
                return max(found)
            time.sleep(0.05)
        raise AssertionError("no checkpoint was written")

    def weights(self) -> bytes:
        return (self.folder / "models/detection" / WEIGHTS).read_bytes()


def documented(start: str) -> list[list[str]]:
    """The commands of docs/training.md that start so, in words."""
    lines = (ROOT / "docs/training.md").read_text().splitlines()
    return [line.split("#")[0].split() for line in lines if line.startswith(start)]


def members(launcher: int) -> list[int]:
    """The training processes that a launcher has started, in the order of their start."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, parent = (path / "cmdline").read_text(), (path / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if int(parent) == launcher and ("spawn_main" in command or "stages.train" in command):
            found.append(int(path.name))
    return sorted(found)


@pytest.fixture(scope="module")
def values(sample_preset: Params) -> dict:
    values = sample_preset.model_dump(mode="json")
    values["model"] |= {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 16}
    values["training"] |= {"epochs_1x": 5, "minibatch": 4, "log_every": 5, "checkpoint_every": 4}
    values["training"] |= {"validation_images": 4, "warmup_iterations": 2, "validate_every_epochs": 100}
    values["runs"] = {"detection": {"task": "detection", "schedule": "1x", "init_from": "initial"}}
    values |= {"check": {}, "hardware": {"device": "cpu", "processes": 2, "loader_workers": 0}}
    return values


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, values: dict, tiny_splits: dict) -> list[Project]:
    """An undisturbed training on two processes, here on two machines of one each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hardware = {"processes": 1, "machines": 2, "address": f"127.0.0.1:{free.getsockname()[1]}"}
    projects, started = [], []
    for number, command in enumerate(documented("MACHINE_RANK=")):
        folder = tmp_path_factory.mktemp("machine")
        project = Project(folder, tiny_splits, values | {"hardware": values["hardware"] | hardware})
        assert command[:2] == [f"MACHINE_RANK={number}", "python"]
        projects.append(project)
        started.append(project.start(*command[2:], MACHINE_RANK=str(number)))
    outputs = [process.communicate(timeout=PATIENCE)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    return projects


@pytest.fixture(scope="module")
def whole(machines: list[Project]) -> bytes:
    """The weights that a training on two processes ends with."""
    return machines[0].weights()


@pytest.mark.documents("docs/training.md", "MACHINE_RANK=")
def test_only_the_first_process_writes(machines: list[Project]) -> None:
    first, second = ({path.name for path in (project.folder / "models").iterdir()} for project in machines)
    assert (first, second) == ({"initial", "detection"}, {"initial"})
    assert not list((machines[1].folder).rglob("*.pt"))


def test_killed_told_to_stop_and_ended(tmp_path: Path, values: dict, tiny_splits: dict, whole: bytes) -> None:
    project = Project(tmp_path, tiny_splits, values)
    launcher = project.train()
    project.checkpoint()
    os.kill(members(launcher.pid)[-1], signal.SIGKILL)
    output, _ = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == 2, output
    assert "was ended by SIGKILL, and the others were stopped; run it again to resume from the last" in output
    assert "Traceback" not in output

    done = project.checkpoint()
    launcher = project.train()
    project.checkpoint(later_than=done)
    os.kill(members(launcher.pid)[-1], signal.SIGTERM)
    output, _ = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == 2, output
    assert output.count("SIGTERM after") == 1
    assert f"resuming after {done} of" in output
    assert "Traceback" not in output

    launcher = project.train()
    output, _ = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == 0, output
    assert project.weights() == whole


@pytest.mark.documents("docs/training.md", "torchrun ")
def test_torchrun_starts_it_again(tmp_path: Path, values: dict, tiny_splits: dict, whole: bytes) -> None:
    project = Project(tmp_path, tiny_splits, values)
    (command,) = documented("torchrun ")
    torchrun = project.start("-m", "torch.distributed.run", *command[1:])
    project.checkpoint()
    os.kill(members(torchrun.pid)[-1], signal.SIGKILL)
    output, _ = torchrun.communicate(timeout=PATIENCE)
    assert torchrun.returncode == 0, output
    assert output.count("resuming after") == 1
    assert project.weights() == whole
