"""Write what each stage needs of the library into the deps of dvc.yaml: `python -m tools.dependencies`.

A stage depends on the files that it imports, directly or through others, and on no other; where it needs every file of
a folder, it names the folder. Excluded: modules that cannot change an output, such as errors and tracking.
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
"""Module -> what it reads beside itself."""

WITHOUT_EFFECT = (
    "matchrcnn",
    "matchrcnn.config",  # the values that it checks are DVC parameters
    "matchrcnn.errors",
    "matchrcnn.files",
    "matchrcnn.modeling.determinism",
    "matchrcnn.project",  # where files are; dvc.yaml names them
    "matchrcnn.project",  # where files are: DVC names a stage's own
    "matchrcnn.tracking",
    "matchrcnn.training.checkpoints",
    "matchrcnn.training.distributed",
    "matchrcnn.training.interrupt",
    "matchrcnn.training.made_from",
    "matchrcnn.training.provenance",
)
"""Modules, and packages, that change no output when they change; what only they import is not followed either."""


@cache
def library() -> dict[str, Path]:
    """Module name -> its file, of the library."""
    return {_name(path): path for path in sorted((ROOT / "matchrcnn").rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def without_effect(module: str) -> bool:
    """Whether no output depends on a module."""
    return any(module == name or (name != "matchrcnn" and module.startswith(f"{name}.")) for name in WITHOUT_EFFECT)


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, `from a import b` as both a and a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def needed(script: Path) -> set[str]:
    """Modules of the library that a stage's output depends on."""
    seen: set[str] = set()
    waiting = [script]
    while waiting:
        found = {name for name in imports(waiting.pop()) if name in library() and not without_effect(name)} - seen
        seen |= found
        waiting += [library()[name] for name in found]
    return seen


def dependencies(stage: str) -> list[str]:
    """The code that a stage depends on, as paths from the project's folder, folders where all of their files count."""
    modules = needed(ROOT / f"stages/{stage}.py")
    files = {library()[name] for name in modules} | {path for path in library().values() if path.name == "__init__.py"}
    paths = {path for path in _collapsed(files, ROOT / "matchrcnn") if path.name != "__init__.py"}
    beside = [file for name in sorted(modules) for file in DATA_FILES.get(name, ())]
    named = {path.relative_to(ROOT).as_posix() for path in paths}
    beside = [file for file in beside if not any(file.startswith(f"{folder}/") for folder in named)]
    return [f"stages/{stage}.py", *sorted(named | set(beside))]


def _collapsed(files: set[Path], folder: Path) -> Iterator[Path]:
    """Files of a folder that are among some, or the folder where all of it is; files that hold a docstring only do not
    make a folder whole."""
    own = set(folder.rglob("*.py"))
    chosen = own & files
    if own == chosen and any(path.name != "__init__.py" for path in own):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _collapsed(files, path)
        elif path in files:
            yield path


def rewritten(text: str) -> str:
    """A dvc.yaml with the code in the deps of each stage as it is now."""
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
    """The lines, those after the first as wide as their indentation allows."""
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
