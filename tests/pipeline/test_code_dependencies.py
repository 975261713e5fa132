"""A change of the code reruns the stages that it can change, and no other; a stage reads only files that it names.

tests/test_dependencies.py compares deps with what a stage loads when it starts; here stages run to their end.
"""

import json

import pytest
import yaml

import tools.dependencies as tool
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow

WATCH = """
import atexit, json, runpy, sys
opened = set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith(".py"):
        opened.add(arguments[0])
def write():
    files = {getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name != "__main__"}
    sys.__stdout__.write("\\n" + json.dumps(sorted(filter(None, files | opened))))
atexit.register(write)
sys.addaudithook(note)
name, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(f"stages.{name}", run_name="__main__", alter_sys=True)
"""
"""Runs a stage, and prints the modules that it loaded and the other files that it opened.

(matchrcnn/parallel.py opens all sources for the digest of its cache; that makes no output depend on them.)
"""

DEFINED = {name: stage for path in tool.PIPELINES for name, stage in yaml.safe_load(path.read_text())["stages"].items()}
ARGUMENTS = {"convert": "validation", "train": "detection", "predict": "detection", "evaluate": "detection"}
"""Stage -> the argument that it is run with."""


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("matchrcnn/evaluation/text_table.py", set()),
        ("matchrcnn/evaluation/errors/diagnosis.py", {"evaluate@detection"}),
        ("matchrcnn/reporting/pages/benchmarks.py", {"report"}),
        ("matchrcnn/data/sample/scene.py", {"sample"}),
    ],
)
def test_a_comment_in_the_code_touches_the_stages_that_load_it(project: Project, file: str, stages: set[str]) -> None:
    path = project.folder / file
    before = path.read_bytes()
    path.write_bytes(before + b"# a comment\n")
    changed = project.changed()
    path.write_bytes(before)
    assert changed == stages


@pytest.mark.parametrize("stage", DEFINED)
def test_a_stage_that_runs_reads_no_file_of_the_library_that_it_does_not_name(project: Project, stage: str) -> None:
    output = project.ask("python", "-c", WATCH, stage, *ARGUMENTS.get(stage, "").split())
    files = json.loads(output.splitlines()[-1])
    root = f"{project.folder.resolve()}/matchrcnn/"
    read = {"matchrcnn/" + file.removeprefix(root) for file in files if file.startswith(root)}
    read = {file for file in read if "__pycache__" not in file and not file.endswith("/__init__.py")}
    named = tuple(DEFINED[stage].get("do", DEFINED[stage])["deps"])
    unnamed = {file for file in read if not file.startswith(named)}
    assert sorted(unnamed - excused(read, stage)) == []


def excused(read: set[str], stage: str) -> set[str]:
    """Files that cannot change a stage's outputs, and those that only they import."""
    files = {name: path.relative_to(tool.ROOT).as_posix() for name, path in tool.library().items()}
    idle = {name for name, file in files.items() if file in read and tool.without_effect(name, stage)}
    followers = tool.reached({tool.library()[name] for name in idle} | {tool.ROOT / "stages/__init__.py"})
    return {files[name] for name in idle | followers}
