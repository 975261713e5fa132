"""Write into dvc.yaml the library files that each stage depends on: `python -m tools.dependencies`.

A stage depends on the files that it imports, directly or through others, and on no other; where it needs every file of
a folder, the folder is named. Imports inside functions count, imports for type checkers alone do not. Excluded:
modules that cannot change an output, such as errors and tracking.

docs/decisions.md has the reasons; tests/test_dependencies.py compares with what a stage loads.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIPELINES = (ROOT / "dvc.yaml", ROOT / "pipelines/sample/dvc.yaml")
DATA_FILES = {
    "matchrcnn.taxonomy": ("matchrcnn/taxonomy.json",),
    "matchrcnn.reporting.published": ("matchrcnn/reporting/published.yaml",),
    "matchrcnn.reporting.pages.index": ("matchrcnn/reporting/pages/templates",),
}
"""Module -> the files that it reads from its own folder."""

WITHOUT_EFFECT = (
    "matchrcnn",
    "matchrcnn.config",  # the values that it checks are DVC parameters
    "matchrcnn.errors",
    "matchrcnn.files",
    "matchrcnn.git",
    "matchrcnn.modeling.determinism",
    "matchrcnn.tracking",
    "matchrcnn.training.checkpoints",
    "matchrcnn.training.distributed",
    "matchrcnn.training.interrupt",
    "matchrcnn.training.made_from",
    "matchrcnn.training.provenance",
)
"""Modules, and packages, that change no output when they change; what only they import is not followed either."""

EFFECT_ONLY_IN = {
    "matchrcnn.project": ("report", "check"),  # they read reports with it; for the others it only names files
    # trainings and predictions depend on what `settings` makes of it, which no title changes
    "matchrcnn.tasks": ("settings", "evaluate", "report", "check"),
}
"""Module -> the stages whose outputs it can change."""


@cache
def library() -> dict[str, Path]:
    """Return the file of each module of the library, by the module's name."""
    return {_name(path): path for path in sorted((ROOT / "matchrcnn").rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def without_effect(module: str, stage: str) -> bool:
    """Whether no output of a stage depends on a module."""
    if stage not in EFFECT_ONLY_IN.get(module, (stage,)):
        return True
    return any(module == name or (name != "matchrcnn" and module.startswith(f"{name}.")) for name in WITHOUT_EFFECT)


def imports(path: Path) -> set[str]:
    """Return every module that a file imports anywhere in it when it runs: of `from a.b import c` a, a.b and a.b.c."""
    names: set[str] = set()
    for node in _executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {".".join(parts[:end]) for parts in (name.split(".") for name in names) for end in range(1, len(parts) + 1)}


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, without the blocks that only type checkers read."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield from _executed(child)


def reached(files: set[Path], stage: str | None = None) -> set[str]:
    """Modules of the library that some files import, directly or through others.

    Args:
        files: where to start.
        stage: follow only what can change this stage's outputs; None: follow everything.
    """
    seen: set[str] = set()
    waiting = [*files]
    while waiting:
        found = {name for name in imports(waiting.pop()) if name in library()} - seen
        if stage is not None:
            found = {name for name in found if not without_effect(name, stage)}
        seen |= found
        waiting += [library()[name] for name in found]
    return seen


def dependencies(stage: str) -> list[str]:
    """Return the code that a stage depends on: paths from the project's folder, folders where all their files count."""
    modules = reached({ROOT / f"stages/{stage}.py"}, stage)
    files = {path for path in (library()[name] for name in modules) if not _is_empty(path)}
    code = {path.relative_to(ROOT).as_posix() for path in _collapsed(files, ROOT / "matchrcnn")}
    data = {file for name in modules for file in DATA_FILES.get(name, ())}
    data = {file for file in data if not any(file.startswith(f"{folder}/") for folder in code)}
    return [f"stages/{stage}.py", *sorted(code | data)]


@cache
def _is_empty(path: Path) -> bool:
    """Whether a file is the `__init__.py` of a package and holds nothing but a docstring."""
    return path.name == "__init__.py" and len(ast.parse(path.read_text()).body) <= 1


def _collapsed(files: set[Path], folder: Path) -> Iterator[Path]:
    """Yield those of some files that are in a folder, or the folder if they are all that it has."""
    own = {path for path in folder.rglob("*.py") if not _is_empty(path)}
    if own and own <= files:
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _collapsed(files, path)
        elif path in files:
            yield path


def rewritten(text: str) -> str:
    """Return the text of a dvc.yaml with the deps of each stage brought up to date."""
    parts = re.split(r"(?m)^(?=  \w+:$)", text)
    return "".join(_stage(part) for part in parts)


def _stage(part: str) -> str:
    name = re.match(r"  (\w+):$", part, re.MULTILINE)
    found = re.search(r"deps: \[(.*?)\]\n", part, re.DOTALL)
    if not name or not found:
        return part
    own = [entry.strip() for entry in found[1].split(",")]
    kept = [entry for entry in own if not entry.startswith(("stages/", "matchrcnn/"))]
    column = found.start() - part.rindex("\n", 0, found.start()) - 1
    text = f"deps: [{', '.join([*kept, *dependencies(name[1])])}]"
    lines = textwrap.wrap(text, 120 - column, break_long_words=False, break_on_hyphens=False)
    indented = ("\n" + " " * (column + 7)).join(_rewrapped(lines, column))
    return part[: found.start()] + indented + "\n" + part[found.end() :]


def _rewrapped(lines: list[str], column: int) -> list[str]:
    """Wrap the lines after the first again, as wide as their indentation allows."""
    rest = textwrap.wrap(" ".join(lines[1:]), 120 - column - 7, break_long_words=False, break_on_hyphens=False)
    return [lines[0], *rest]


def main() -> None:
    """Rewrite the files where the deps have changed."""
    for path in PIPELINES:
        text = path.read_text()
        if (new := rewritten(text)) != text:
            path.write_text(new)
            print(f"{path.relative_to(ROOT)}: rewritten")


if __name__ == "__main__":
    main()
