"""A change of the code reruns the stages that it can change, and no other; a stage reads only files that it names.

tests/test_dependencies.py compares deps with what a stage loads when it starts; here stages run to their end.
"""

import json

import pytest
import yaml

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow

WATCH = """
import atexit, json, runpy, sys
opened = set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.add(arguments[0])
def write():
    files = {getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name != "__main__"}
    sys.__stdout__.write("\\n" + json.dumps(sorted(filter(None, files | opened))))
atexit.register(write)
sys.addaudithook(note)
name, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(f"stages.{name}", run_name="__main__", alter_sys=True)
"""
"""Runs a stage, and prints the files that it loaded or opened."""

STAGES = {
    "sample": [],
    "convert": ["validation"],
    "initial": [],
    "train": ["detection"],
    "predict": ["detection"],
    "evaluate": ["detection"],
    "report": [],
    "check": [],
}
"""Stage -> the arguments that it is run with."""


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


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_reads_no_file_of_the_library_that_it_does_not_name(project: Project, stage: str) -> None:
    import tools.dependencies as tool

    output = project.ask("python", "-c", WATCH, stage, *STAGES[stage])
    files = json.loads(output.splitlines()[-1])
    root = f"{project.folder.resolve()}/matchrcnn/"
    read = {"matchrcnn/" + file.removeprefix(root) for file in files if file.startswith(root)}
    read = {file for file in read if "__pycache__" not in file and not file.endswith("/__init__.py")}
    modules = {path.relative_to(tool.ROOT).as_posix(): name for name, path in tool.library().items()}
    idle = {file for file in read if file in modules and tool.without_effect(modules[file], stage)}
    for_idle = tool.reached({tool.ROOT / file for file in idle} | {tool.ROOT / "stages/__init__.py"})
    read -= idle | {file for file, name in modules.items() if name in for_idle}
    deps = {}
    for name in ("dvc.yaml", "pipelines/sample/dvc.yaml"):
        deps |= yaml.safe_load((project.folder / name).read_text())["stages"]
    named = tuple(deps[stage].get("do", deps[stage])["deps"])
    assert [file for file in sorted(read) if not file.startswith(named)] == []
