"""The short form of `make chaos`; and a training that is told to stop, or finds the disk full, says so clearly."""

import os
import random
import signal
import subprocess
import time

import psutil
import pytest

from tests.pipeline.chaos import Project, torment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chaotic(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in a path with a space."""
    return Project(tmp_path_factory.mktemp("chaotic project"))


def test_killed_again_and_again_a_training_ends_with_the_same_bytes(chaotic: Project) -> None:
    ordeal = torment(chaotic, "detection", 3, random.Random(1))
    assert ordeal.kills == 3


def started(project: Project, run: str) -> subprocess.Popen[str]:
    """A training that has written a checkpoint and goes on."""
    before, process, until = set(project.checkpoints(run)), project.start(run), time.monotonic() + 900
    while not set(project.checkpoints(run)) - before:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_of_the_whole_group_writes_a_checkpoint_and_fails_clearly(
    chaotic: Project, number: signal.Signals
) -> None:
    process = started(chaotic, "segmentation")
    os.killpg(process.pid, number)  # as Ctrl-C and a stopping machine do: the loader workers hear it too
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 2
    last = said.splitlines()[-1]
    assert last.startswith(f"train: {number.name} after ")
    assert last.endswith("run it again to resume")
    assert "Traceback" not in said
    newest = chaotic.checkpoints("segmentation")[-1]
    assert int(newest.stem) == int(last.split()[3])
    assert not chaotic.half_written("segmentation")


def test_a_loader_worker_that_the_system_kills_ends_the_training_clearly(chaotic: Project) -> None:
    process = started(chaotic, "retrieval_joint")
    training = psutil.Process(process.pid)  # a loader worker is its fork; the process that tracks is not
    worker = next(child for child in training.children() if child.cmdline() == training.cmdline())
    worker.kill()  # as the system does when memory runs out
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 2
    assert "Traceback" not in said
    assert "a loader worker has died" in said.splitlines()[-1]
    assert chaotic.checkpoints("retrieval_joint")


def test_a_full_disk_ends_a_training_clearly(chaotic: Project) -> None:
    folder = chaotic.folder / ".work" / "checkpoints" / "landmarks"
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a file system of its own, and so a full one, needs root")
    try:
        process = chaotic.start("landmarks")
        said, _ = process.communicate()
        assert process.returncode == 2
        assert "Traceback" not in said
        assert "cannot be written (No space left on device); free some space and run it again" in said.splitlines()[-1]
        assert not chaotic.half_written("landmarks")
    finally:
        subprocess.run(["umount", folder], check=True)
