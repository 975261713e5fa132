"""One direction: dvc.yaml -> stages -> matchrcnn; and a stage's deps name what it imports."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.dependencies import PIPELINES, imports, library, rewritten

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "matchrcnn").rglob("*.py"))
STAGES = {name: stage for path in PIPELINES for name, stage in yaml.safe_load(path.read_text())["stages"].items()}

FILES = library()
TRACKING = {name for name in FILES if name.split(".")[:2] == ["matchrcnn", "tracking"]}


def module_name(path: Path) -> str:
    return next(name for name, own in FILES.items() if own == path)


@pytest.mark.parametrize("path", LIBRARY, ids=module_name)
def test_the_library_knows_neither_stages_nor_dvc_nor_argv(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"stages", "dvc", "tests", "benchmarks"}
    name = module_name(path)
    assert "mlflow" not in roots or name in TRACKING
    assert "argparse" not in roots or name.startswith("matchrcnn.cli")
    assert "sys.argv" not in path.read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("*.py")), ids=lambda path: path.stem)
def test_a_stage_is_thin(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 80


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.parent.name)
def test_a_stages_deps_name_what_it_imports_and_nothing_else(path: Path) -> None:
    assert path.read_text() == rewritten(path.read_text()), "run `python -m tools.dependencies`"


@pytest.mark.parametrize("name", STAGES)
def test_deps_in_the_repository_exist(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    code = [dep for dep in stage["deps"] if dep.startswith(("stages/", "matchrcnn/"))]
    assert [dep for dep in code if not (ROOT / dep).exists()] == []


@pytest.mark.parametrize("name", ["convert", "evaluate", "report", "check"])
def test_what_neither_trains_nor_predicts_starts_without_torch(name: str) -> None:
    command = f"import sys, stages.{name}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT).returncode == 0
