"""One direction: dvc.yaml -> stages -> matchrcnn; and a stage's deps name what it imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "matchrcnn").rglob("*.py"))
STAGES = {
    name: stage
    for path in (ROOT / "dvc.yaml", ROOT / "pipelines/sample/dvc.yaml")
    for name, stage in yaml.safe_load(path.read_text())["stages"].items()
}

# What changes no output when it changes: errors, atomic files, the schema (its values are DVC params), tracking, times.
WITHOUT_EFFECT = {
    "matchrcnn",
    "matchrcnn.errors",
    "matchrcnn.files",
    "matchrcnn.config",
    "matchrcnn.engine.provenance",
    "matchrcnn.engine.checkpoints",
    "matchrcnn.engine.origin",
    "matchrcnn.engine.interrupt",
    "matchrcnn.engine.determinism",
    "matchrcnn.engine.distributed",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, `from a import b` as both a and a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


FILES = {module_name(path): path for path in LIBRARY}
TRACKING = {name for name in FILES if name.split(".")[:2] == ["matchrcnn", "tracking"]}
WITHOUT_EFFECT |= TRACKING


def reachable(path: Path) -> set[str]:
    """Modules of the library that a file needs, directly or through others; tracking is an end, not a way."""
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        found = {name for name in imports(waiting.pop()) if name in FILES} - seen
        seen |= found
        waiting += [FILES[name] for name in found - WITHOUT_EFFECT]
    return seen


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


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_deps_name_what_it_imports(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    deps = [ROOT / dep for dep in stage["deps"] if "$" not in dep]
    script = ROOT / "stages" / f"{name}.py"
    assert script in deps
    needed = {FILES[module] for module in reachable(script) - WITHOUT_EFFECT if FILES[module].name != "__init__.py"}
    missing = [path for path in needed if not any(path == dep or dep in path.parents for dep in deps)]
    assert not missing, f"dvc.yaml: {name}: deps lack {[str(path.relative_to(ROOT)) for path in sorted(missing)]}"


@pytest.mark.parametrize("name", STAGES)
def test_deps_in_the_repository_exist(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    code = [dep for dep in stage["deps"] if dep.startswith(("stages/", "matchrcnn/"))]
    assert [dep for dep in code if not (ROOT / dep).exists()] == []


@pytest.mark.parametrize("name", ["convert", "evaluate", "report", "check"])
def test_what_neither_trains_nor_predicts_starts_without_torch(name: str) -> None:
    command = f"import sys, stages.{name}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT).returncode == 0


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports a test file by its bare name, and refuses the second."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
