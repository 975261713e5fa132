"""Trainings killed at random moments and started again: `python -m tests.pipeline.chaos`, or `make chaos`.

For each task a tiny run is trained without interruption, then again by a stage that SIGKILL ends again and again: at
any moment, the start and the end included; at an iteration of its own; or in the middle of writing a checkpoint; the
whole process group, or the main process alone, whose loader workers must not outlive it. Killed often enough it is left
to end. Its weights, curves and summary must be those of the first, byte for byte, and no checkpoint may be left.

Kills are drawn from a seed; where they hit depends on the machine as well.
"""

import argparse
import hashlib
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from matchrcnn.config import SampleParams
from matchrcnn.data.convert import convert
from matchrcnn.data.sample import write_sample
from matchrcnn.project import CURVES, PARAMS, Run
from matchrcnn.project import Project as Folders

ROOT = Path(__file__).parents[2]
RUNS = ("detection", "segmentation", "landmarks", "retrieval_joint", "retrieval_frozen")
SMALL = {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 8, "landmark_convs": 1, "landmark_channels": 8}
ORPHANS_END_IN = 60.0
"""Seconds; torch's workers look for their parent every five."""


@dataclass
class Ordeal:
    """What a run went through.

    Attributes:
        kills: how often it was killed.
        writing: how many of these left a half-written checkpoint behind.
        resumed: iterations from which it went on, start after start.
        ended: how often it ended before the kill came; its outputs were compared and it began anew.
    """

    kills: int = 0
    writing: int = 0
    resumed: list[int] = field(default_factory=list)
    ended: int = 0


class Project:
    """A folder in which the stages run, with tiny data and parameters of a few iterations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folders = Folders(folder)
        write_sample(self.folders.sample, SampleParams(seed=3, train_images=24, validation_images=16), workers=1)
        for name in ("train", "validation"):
            convert(self.folders.sample / name, self.folders.annotations(name), workers=1)
        (folder / PARAMS).write_text(yaml.safe_dump(_params(), sort_keys=False))
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        subprocess.run(self._command("initial", []), cwd=folder, env=self.environment, check=True, capture_output=True)

    def start(self, run: str) -> subprocess.Popen[str]:
        """Start a training in a process group of its own."""
        return subprocess.Popen(
            self._command("train", [run]),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, run: str) -> str:
        """Train a run to its end; returns what it said."""
        process = self.start(run)
        said, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{run} failed:\n{said}")
        return said

    def outputs(self, run: str) -> dict[str, str]:
        """SHA-256 of the files that a training leaves."""
        own = self._run(run)
        paths = [*sorted(own.model.iterdir()), own.reports / CURVES]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    def forget(self, run: str) -> None:
        """Remove a run's outputs, as DVC does before it runs a stage."""
        own = self._run(run)
        shutil.rmtree(own.model)
        (own.reports / CURVES).unlink()

    def half_written(self, run: str) -> list[Path]:
        """Checkpoints that are being written, or were when their writer was killed."""
        return list(self._run(run).checkpoints.glob("*/.*.pt.*.partial"))

    def checkpoints(self, run: str) -> list[Path]:
        """Checkpoints that are there, oldest first."""
        return sorted(self._run(run).checkpoints.glob("*/*.pt"), key=lambda path: path.name)

    def unfinished(self, run: str) -> list[Path]:
        """Trainings of a run that can resume, a folder each."""
        return list(self._run(run).checkpoints.glob("*"))

    def _run(self, name: str) -> Run:
        return self.folders.run(name)

    def _command(self, stage: str, arguments: list[str]) -> list[str]:
        return [sys.executable, "-m", f"stages.{stage}", *arguments]


def _params() -> dict:
    values = yaml.safe_load((ROOT / "pipelines/sample.yaml").read_text())
    values["model"] |= SMALL
    values["training"] |= {"epochs_1x": 8, "log_every": 4, "validate_every_epochs": 1, "validation_images": 4}
    values["training"] |= {"checkpoint_every": 1, "warmup_iterations": 4}
    values["retrieval"] |= {"widths": [8, 8, 8, 16], "embedding": 16}
    values["check"], values["hardware"] = {}, {"device": "cpu", "loader_workers": 2}
    values["runs"] = {
        **{task: {"task": task, "schedule": "1x", "init_from": "initial"} for task in RUNS[:3]},
        "retrieval_joint": {"task": "retrieval", "schedule": "1x", "init_from": "initial"},
        "retrieval_frozen": {
            "task": "retrieval",
            "schedule": "1x",
            "init_from": "landmarks",
            "retrieval": {"variant": "pose", "freeze": True},
        },
    }
    return values


def torment(project: Project, run: str, kills: int, dice: random.Random) -> Ordeal:
    """Kill a run's training `kills` times, let it end, and compare.

    Raises:
        AssertionError: its outputs differ from those of an uninterrupted training, or something is left behind.
    """
    started = time.monotonic()
    project.finish(run)
    duration, whole, ordeal = time.monotonic() - started, project.outputs(run), Ordeal()
    project.forget(run)
    while ordeal.kills < kills:
        if _killed(project, run, dice, duration, ordeal):
            ordeal.kills += 1
        else:
            _compare(project, run, whole)
            project.forget(run)
            ordeal.ended += 1
    ordeal.resumed.append(_resumed_at(project.finish(run)))
    _compare(project, run, whole)
    return ordeal


def _killed(project: Project, run: str, dice: random.Random, duration: float, ordeal: Ordeal) -> bool:
    """Start and kill once; False if the training had ended before."""
    leftover = set(project.half_written(run))
    assert len(leftover) <= 1, f"half-written checkpoints pile up: {leftover}"
    way, alone = dice.choice(("any moment", "iteration", "iteration", "writing", "writing")), dice.random() < 0.3
    reached = max([0, *map(_iteration, project.checkpoints(run))])
    process, started = project.start(run), time.monotonic()
    until = dice.uniform(0.1, 1) * duration if way == "any moment" else math.inf
    iteration = reached + dice.randrange(1, 8)

    def fresh() -> set[Path]:
        return set(project.half_written(run)) - leftover

    while process.poll() is None and time.monotonic() - started < until:
        if way == "iteration" and any(_iteration(path) >= iteration for path in project.checkpoints(run)):
            time.sleep(dice.uniform(0, 0.2))
            break
        if way == "writing" and any(_iteration(path) >= iteration for path in fresh()):
            os.killpg(process.pid, signal.SIGSTOP)  # so that the kill finds it where it is now
            if fresh():
                break
            os.killpg(process.pid, signal.SIGCONT)
            iteration += 1
        time.sleep(0.0002)
    family = [each.pid for each in psutil.process_iter() if _group(each.pid) == process.pid]
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL) if alone else os.killpg(process.pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)  # the workers of a main process that was killed alone
    said, _ = process.communicate(timeout=10 * ORPHANS_END_IN)  # an orphan would keep the pipe open
    _await_the_end_of(family)
    assert process.returncode in (0, -signal.SIGKILL), f"{run} ended with {process.returncode}: {said}"
    ordeal.resumed.append(_resumed_at(said))
    ordeal.writing += process.returncode != 0 and bool(fresh())
    return process.returncode != 0


def _iteration(checkpoint: Path) -> int:
    """Of 000000018.pt, or of .000000018.pt.NAME.partial while it is written."""
    return int(checkpoint.name.lstrip(".").split(".")[0])


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _await_the_end_of(family: list[int]) -> None:
    until = time.monotonic() + ORPHANS_END_IN
    while left := [pid for pid in family if psutil.pid_exists(pid)]:
        assert time.monotonic() < until, f"loader workers {left} outlive their training"
        time.sleep(0.1)


def _resumed_at(said: str) -> int:
    return int(said.split("resuming after ")[1].split()[0]) if "resuming after " in said else 0


def _compare(project: Project, run: str, whole: dict[str, str]) -> None:
    assert project.outputs(run) == whole, f"{run}: not the bytes of the uninterrupted training"
    left = project.unfinished(run)
    assert not left, f"{run}: a training that ended left {left}"


def main() -> None:
    """Torment every run and print what it went through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=7, help="of each run (default: 7)")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos ") as folder:
        project = Project(Path(folder))
        if "retrieval_frozen" in arguments.runs and "landmarks" not in arguments.runs:
            project.finish("landmarks")
        total = 0
        for run in arguments.runs:
            ordeal = torment(project, run, arguments.kills, random.Random(f"{arguments.seed} {run}"))
            total += ordeal.kills
            print(
                f"{run}: identical after {ordeal.kills} kills, {ordeal.writing} of them in the middle of writing a "
                f"checkpoint; started from iterations {', '.join(map(str, ordeal.resumed))}",
                flush=True,
            )
    print(f"{total} kills, every final file identical to the uninterrupted training's")


if __name__ == "__main__":
    main()
