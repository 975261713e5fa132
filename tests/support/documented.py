"""The commands that a page of Markdown shows."""

from collections.abc import Iterator
from pathlib import Path


def lines(page: Path) -> Iterator[tuple[str | None, str]]:
    """Each line of a page with the language of the code block that it stands in: "" for none named, None for text."""
    language = None
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        else:
            yield language, line


def commands(page: Path, programs: tuple[str, ...]) -> Iterator[str]:
    """The lines of its shell blocks that call one of some programs, with what explains them."""
    yield from (line for language, line in lines(page) if language in ("", "sh") and line.startswith(programs))
