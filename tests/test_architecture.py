"""One place for each concept, and thin stages. Who may import whom is in pyproject.toml: `lint-imports`."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from matchrcnn.tasks import SCORES, STREAMS, TASKS, VARIANTS

ROOT = Path(__file__).parents[1]
TOP_LEVEL = ("pipelines", "stages", "models", "reports", "tests", "params.yaml", "dvc.yaml")

STREAM_KINDS = {stream.kind for stream in STREAMS.values()}
FAMILIES = (set(TASKS), set(STREAMS), STREAM_KINDS, set(SCORES), set(VARIANTS))
NAMES = set().union(*FAMILIES)

NAMES_ARE_FIELDS = {
    "matchrcnn/data/sample/annotate.py": "`segmentation` and `landmarks` are fields of DeepFashion2's own records",
    "matchrcnn/inference/photos/garment.py": "`mask` and `landmarks` are fields of garments.json",
}
"""File -> why a name in it is none of a task, stream, score or variant."""

FOLDERS = ("reports", "models", "results", ".work", "data/coco", "data/sample")
FOLDERS_ARE_MEANT: dict[str, str] = {}
"""File -> why it spells a folder that is not a project's own."""

STAGE_LINES, STAGE_IMPORTS = 40, 4


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources(*folders: str, without: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Each Python file of some folders, by its path in the project."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if (name := path.relative_to(ROOT).as_posix()) != without:
                yield name, tree(path)


def strings(*nodes: ast.expr | None) -> Iterator[str]:
    """The string constants among some expressions, and in the tuples, lists and sets among them."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            yield from strings(*node.elts)


def compared(node: ast.AST) -> Iterator[str]:
    """The strings that an expression or a case of `match` compares something with."""
    if isinstance(node, ast.Compare):
        yield from strings(node.left, *node.comparators)
    elif isinstance(node, ast.MatchValue):
        yield from strings(node.value)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".startswith", ".endswith")):
        yield from strings(*node.args)


def check(offenders: list[str], advice: str) -> None:
    if offenders:
        pytest.fail("\n".join([advice, *offenders]))


def test_every_top_level_name_is_in_a_fresh_checkout() -> None:
    assert [name for name in TOP_LEVEL if not (ROOT / name).exists()] == []


def test_the_library_does_not_read_the_command_line() -> None:
    offenders = [
        f"{name}:{node.lineno}"
        for name, module in sources("matchrcnn")
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.argv"
    ]
    check(offenders, "matchrcnn/cli reads it, by argparse")


def test_no_name_of_a_task_or_stream_is_compared_with_a_string() -> None:
    offenders = [
        f"{name}:{node.lineno}: {text!r}"
        for name, module in sources("matchrcnn", "stages", "tools", without="matchrcnn/tasks.py")
        if name not in NAMES_ARE_FIELDS
        for node in ast.walk(module)
        for text in compared(node)
        if text in NAMES
    ]
    check(offenders, "ask matchrcnn/tasks.py for what differs: TASKS[name], STREAMS[name], their fields")


def test_no_table_of_tasks_or_streams_is_outside_of_tasks() -> None:
    offenders = [
        f"{name}:{node.lineno}: {sorted(keys & family)}"
        for name, module in sources("matchrcnn", "stages", "tools", without="matchrcnn/tasks.py")
        if name not in NAMES_ARE_FIELDS
        for node in ast.walk(module)
        if isinstance(node, ast.Dict)
        for keys in [set(strings(*node.keys))]
        for family in FAMILIES
        if len(keys & family) > 1
    ]
    check(offenders, "a column of this table is a field of Task, Stream, Score or Variant")


def path_strings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings of a file that may be part of a path: neither docstrings nor keys of a mapping."""
    others: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Expr):
            others.add(id(node.value))
        elif isinstance(node, ast.Subscript):
            others.add(id(node.slice))
        elif isinstance(node, ast.Dict):
            others |= {id(key) for key in node.keys}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            others |= {id(argument) for argument in node.args}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in others:
            yield node.lineno, node.value


def test_only_project_spells_the_projects_folders() -> None:
    offenders = [
        f"{name}:{line}: {text!r}"
        for name, module in sources("matchrcnn", "stages", "tools", without="matchrcnn/project.py")
        if name not in FOLDERS_ARE_MEANT
        for line, text in path_strings(module)
        if any(text == folder or text.startswith(f"{folder}/") for folder in FOLDERS)
    ]
    check(offenders, "ask matchrcnn/project.py: Project(root).run(name) has the paths")


def test_every_exception_is_still_needed() -> None:
    for table in (NAMES_ARE_FIELDS, FOLDERS_ARE_MEANT):
        assert [name for name in table if not (ROOT / name).is_file()] == []


def test_a_stage_is_thin() -> None:
    offenders = []
    for name, module in sources("stages", without="stages/__init__.py"):
        lines = len((ROOT / name).read_text().splitlines())
        nodes = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
        imports = len({node.module for node in nodes if (node.module or "").startswith("matchrcnn")})
        if lines > STAGE_LINES or imports > STAGE_IMPORTS:
            offenders.append(f"{name}: {lines} lines, {imports} imports from matchrcnn")
    check(offenders, f"at most {STAGE_LINES} lines and {STAGE_IMPORTS} imports: the use case is the library's")
