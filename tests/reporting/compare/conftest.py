"""Two projects with reports of real evaluations of the same small split: one good, one partly ruined."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.run import score_files, write_scores
from matchrcnn.files import write_json, write_text
from tests.support import small_split

PARAMS = """seed: 1
training: {base_lr: 0.002, drops_1x: [8, 11]}
runs:
  second: {task: detection}
  detection: {task: detection, training: {base_lr: %s}}
"""

Evaluate = Callable[..., Path]


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Writes the reports of a run of a project; `ruined` is the share of its boxes that are spoiled."""
    folder = tmp_path_factory.mktemp("split")
    rng = np.random.default_rng(1)
    truths = [small_split.truth(rng, images=40, categories=2) for _ in range(2)]
    results = [small_split.box_results(rng, truth) for truth in truths]

    def write(project: Path, name: str, ruined: float = 0, split: int = 0, **evaluation: object) -> Path:
        keep = np.random.default_rng(3).random(len(results[split])) >= ruined
        found = [
            entry if kept else entry | {"bbox": [0, 0, 1, 1]} for entry, kept in zip(results[split], keep, strict=True)
        ]
        for path, content in (("truth.json", truths[split]), ("box.json", found)):
            (folder / path).write_bytes(orjson.dumps(content))
        params = EvaluationParams.model_validate({"bootstrap": BootstrapParams(resamples=200), **evaluation})
        scores = score_files(folder / "truth.json", {"boxes": folder / "box.json"}, params)
        write_scores(project / "reports" / name, folder / "truth.json", scores, params)
        return project / "reports" / name

    return write


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory, evaluate: Evaluate) -> dict[float, Path]:
    """Share of ruined boxes -> report of a run."""
    folder = tmp_path_factory.mktemp("evaluated")
    return {ruined: evaluate(folder / str(ruined), "detection", ruined) for ruined in (0.0, 0.5)}


@pytest.fixture
def projects(tmp_path: Path, evaluated: dict[float, Path]) -> tuple[Path, Path]:
    """Two projects, the second's `detection` ruined, its `second` left as it was."""
    folders = tmp_path / "before", tmp_path / "after | <b>"
    for folder, ruined, rate in zip(folders, (0.0, 0.5), ("0.001", "0.004"), strict=True):
        shutil.copytree(evaluated[ruined], folder / "reports/detection")
        shutil.copytree(evaluated[0.0], folder / "reports/second")
        write_text(folder / "params.yaml", PARAMS % rate)
    write_json(folders[1] / "reports/data/train.json", {})
    return folders


@pytest.fixture(scope="session")
def git() -> Callable[..., str]:
    """Runs git, or another program, in a folder."""

    def call(folder: Path, *arguments: str, program: tuple[str, ...] = ("git",)) -> str:
        done = subprocess.run([*program, *arguments], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return call
