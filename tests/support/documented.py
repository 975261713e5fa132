"""The commands that a page of Markdown shows, and the tests that say that they run one.

A test says so with a mark, which names the page and how each command begins that it runs:
`@pytest.mark.documents("docs/photos.md", "matchrcnn predict photos")`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = "pytest.mark.documents"


@dataclass(frozen=True)
class Documented:
    """A command of a page that a test runs.

    Attributes:
        page: path of the page in the project.
        start: how the command begins.
        test: file and name of the test.
    """

    page: str
    start: str
    test: str


@cache
def marked(page: str) -> tuple[Documented, ...]:
    """Commands of a page that tests say they run; read from the sources, whichever tests are collected."""
    return tuple(
        entry for path in sorted((ROOT / "tests").rglob("test_*.py")) for entry in _marks(path) if entry.page == page
    )


def _marks(path: Path) -> Iterator[Documented]:
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                page, *starts = (ast.literal_eval(argument) for argument in mark.args)
                yield from (
                    Documented(page, start, f"{path.relative_to(ROOT).as_posix()}::{node.name}") for start in starts
                )


def lines(page: Path) -> Iterator[tuple[str | None, str]]:
    """Each line of a page with the language of the code block that it is in: "" for none named, None for text."""
    language = None
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        else:
            yield language, line


def commands(page: Path, programs: tuple[str, ...]) -> Iterator[str]:
    """The lines of its shell blocks that call one of some programs, with the comments that explain them."""
    yield from (line for language, line in lines(page) if language in ("", "sh") and line.startswith(programs))
