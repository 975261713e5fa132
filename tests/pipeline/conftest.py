"""A copy of the project in a path with a space, its preset cut to a few images, after its first `dvc repro`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def tiny(values: dict) -> dict:
    """The sample preset, small enough for a test."""
    values["sample"] = {"seed": 1, "train_images": 16, "validation_images": 16}
    values["training"] |= {"epochs_1x": 1, "log_every": 2, "validation_images": 4, "checkpoint_every": 2}
    values["runs"] = {name: values["runs"][name] for name in ("detection", "segmentation")}
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

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy."""
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def repro(self, *arguments: str) -> list[str]:
        """`dvc repro`; returns the stages that ran."""
        done = self.run("dvc", "repro", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]

    def params(self) -> dict:
        """The active parameters."""
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set_params(self, values: dict) -> None:
        """Replace the active parameters."""
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    def lock(self) -> bytes:
        """The bytes of dvc.lock."""
        return (self.folder / "dvc.lock").read_bytes()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The copy after its first `dvc repro`."""
    folder = tmp_path_factory.mktemp("a project") / "match rcnn"
    folder.mkdir()
    for name in (
        "matchrcnn",
        "stages",
        "pipelines",
        "dvc.yaml",
        ".dvc/config",
        ".dvc/.gitignore",
        ".dvcignore",
        ".gitignore",
    ):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    project = Project(folder)
    project.set_params(tiny(yaml.safe_load((ROOT / "pipelines/sample.yaml").read_text())))
    assert project.run("git", "init", "-q").returncode == 0
    stages = project.repro()
    assert {"sample", "convert@train", "train@detection", "evaluate@segmentation", "report", "check"} <= set(stages)
    return project
