"""A comparison as Markdown and as one HTML file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.files import write_text
from matchrcnn.reporting.compare.tables import Comparison, compare_versions
from matchrcnn.reporting.compare.versions import opened
from matchrcnn.reporting.pages.index import environment
from matchrcnn.reporting.tables.table import escaped, plain_to_markdown, to_markdown


def compare_names(names: Sequence[str], project: Path = Path()) -> list[Comparison]:
    """The first version with each of the others; see `versions.opened` for what a name can be.

    Raises:
        UserError: fewer than two names, or one that names no version.
    """
    if len(names) < 2:
        raise UserError("name two versions or more; the others are compared with the first")
    with opened(names, project) as (first, *others):
        return [compare_versions(first, other) for other in others]


def to_markdown_page(comparisons: Sequence[Comparison], heading: str = "#") -> str:
    """Comparisons for a terminal, GitHub and a pull request."""
    parts = [part for one in comparisons for part in _markdown(one, heading)]
    return "\n\n".join(parts) + "\n"


def _markdown(one: Comparison, heading: str) -> Iterator[str]:
    yield f"{heading} {escaped(one.title)}"
    yield escaped(one.summary)
    for table in one.tables:
        if folded := table.name == "categories":
            yield f"<details><summary>{table.title}</summary>"
        else:
            yield f"{heading}# {table.title}"
        yield to_markdown(table)
        if folded:
            yield "</details>"
    yield f"{heading}# Parameters"
    yield plain_to_markdown(one.params.header, one.params.rows) if one.params else escaped(one.params_note)
    yield from map(escaped, one.notes)


def write_html(comparisons: Sequence[Comparison], path: Path) -> None:
    """Write one self-contained file, everything in it escaped."""
    write_text(path, environment().get_template("comparison.html.jinja").render(comparisons=comparisons))
