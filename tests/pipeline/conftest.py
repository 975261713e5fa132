"""A copy of the project in a path with a space, its preset cut to one run and a few images, after `dvc repro`."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def tiny(values: dict) -> dict:
    """The sample preset with one run, small enough for a test."""
    values["sample"] = {"seed": 1, "train_images": 16, "validation_images": 16}
    values["training"] |= {"epochs_1x": 1, "log_every": 2, "validation_images": 4, "checkpoint_every": 2}
    values["runs"] = {"detection": values["runs"]["detection"]}
    values["evaluation"]["bootstrap"]["resamples"] = 20
    values["check"] = {"detection": {"box/overall/AP50": 0.0}}
    values["hardware"]["loader_workers"] = 0
    return values


class Project:
    """The copy, and what one does with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        bin_folder = Path(sys.executable).parent
        self.environment = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": "",
            "PYTHONPATH": str(folder),
        }
        del self.environment["MLFLOW_TRACKING_URI"]
        for who in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{who}_NAME": "tester", f"GIT_{who}_EMAIL": "tester@localhost"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy."""
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def ask(self, *command: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self, *arguments: str) -> list[str]:
        """`dvc repro`; returns the stages that ran."""
        return self.ran(self.ask("dvc", "repro", *arguments))

    def changed(self) -> set[str]:
        """The stages that a change reaches first, as `dvc status` says; others wait for their outputs."""
        return {name.rpartition(":")[2] for name in json.loads(self.ask("dvc", "status", "--json"))}

    @staticmethod
    def ran(output: str) -> list[str]:
        """The stages that DVC says it ran; the sample data's without the dvc.yaml of its own that it is in."""
        named = [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
        return [name.rpartition(":")[2] for name in named]

    def params(self) -> dict:
        """The active parameters."""
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set_params(self, values: dict) -> None:
        """Replace the active parameters."""
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    def lock(self) -> bytes:
        """The bytes of dvc.lock."""
        return (self.folder / "dvc.lock").read_bytes()


CODE = ("matchrcnn", "stages", "tools", "pipelines", "models/README.md", "dvc.yaml")
CODE += (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore")


def fresh_project(folder: Path) -> Project:
    """A copy of the project without anything that a pipeline made, in a git repository of its own."""
    for name in CODE:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    project = Project(folder)
    project.ask("git", "init", "-q", "-b", "main")
    return project


def _make(folder: Path) -> None:
    """Copy the project, run its pipeline and commit everything, as a user would."""
    project = fresh_project(folder)
    project.set_params(tiny(yaml.safe_load((ROOT / "pipelines/sample.yaml").read_text())))
    stages = project.repro()
    assert {"sample", "convert@train", "train@detection", "evaluate@detection", "report", "check"} <= set(stages)
    project.ask("git", "add", "-A")
    project.ask("git", "commit", "-q", "-m", "Tiny")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy after its first `dvc repro`, everything committed; made once for all processes that test at a time."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, done = shared / "a finished project" / "match rcnn", shared / "finished"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of its own for the tests of a file, which go on where the one before left off."""
    folder = tmp_path_factory.mktemp("a project") / "match rcnn"
    shutil.copytree(finished, folder, symlinks=True)
    return Project(folder)
