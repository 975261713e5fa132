"""A stage's deps in dvc.yaml are the library files that it loads: all of them, and hardly any other."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tools.dependencies import PIPELINES, ROOT, library, reached, rewritten, without_effect

STAGES = {name: stage for path in PIPELINES for name, stage in yaml.safe_load(path.read_text())["stages"].items()}
UNLOADED = 5
"""Modules that a stage may name though its start loads none of them: those that are imported inside a function."""

WITH_TORCH = {"initial", "train", "predict"}


@cache
def loaded(stage: str) -> frozenset[str]:
    """Modules that are loaded after a stage was imported, in a process of its own."""
    command = f"import sys, stages.{stage}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


def code(stage: str) -> list[str]:
    """The deps of a stage that are the project's own files."""
    deps = STAGES[stage].get("do", STAGES[stage])["deps"]
    return [dep for dep in deps if dep.startswith(("stages/", "matchrcnn/"))]


def named(stage: str) -> set[str]:
    """Modules of the library among the deps of a stage, those of the folders among them included."""
    paths = {ROOT / dep for dep in code(stage)}
    return {name for name, path in library().items() if paths & {path, *path.parents}}


def with_content(modules: set[str]) -> set[str]:
    """Modules of the library, without packages that hold nothing but a docstring."""
    return {name for name in modules if name in library() and library()[name].name != "__init__.py"}


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.parent.name)
def test_deps_are_what_the_tool_writes(path: Path) -> None:
    assert path.read_text() == rewritten(path.read_text()), "run `python -m tools.dependencies`"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_of_code_exist(stage: str) -> None:
    assert [dep for dep in code(stage) if not (ROOT / dep).exists()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_every_file_that_it_loads(stage: str) -> None:
    own = with_content(set(loaded(stage)))
    idle = {name for name in own if without_effect(name, stage)}
    for_idle = reached({library()[name] for name in idle} | {ROOT / "stages/__init__.py"})
    assert own - named(stage) - idle - for_idle == set(), "run `python -m tools.dependencies`"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_hardly_any_file_that_it_does_not_load(stage: str) -> None:
    unloaded = with_content(named(stage)) - loaded(stage)
    assert len(unloaded) <= UNLOADED, sorted(unloaded)


@pytest.mark.parametrize("stage", STAGES)
def test_only_what_trains_or_predicts_loads_torch(stage: str) -> None:
    assert ("torch" in loaded(stage)) == (stage in WITH_TORCH)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_loads_mlflow_before_it_has_something_to_track(stage: str) -> None:
    assert "mlflow" not in loaded(stage)
