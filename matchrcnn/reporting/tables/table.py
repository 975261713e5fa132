"""A table as data: groups of rows of cells, from which Markdown and HTML are both written."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

DASH = "\N{EN DASH}"
NOTHING = DASH
"""Shown where there is no number."""


@dataclass(frozen=True)
class Part:
    """One number of a cell.

    Attributes:
        text: the number, or `NOTHING`.
        difference: from what it is judged by; None where it is not judged, and not shaded.
        hint: explains it.
        few: whether few items or queries are behind it.
    """

    text: str
    difference: float | None = None
    hint: str = ""
    few: bool = False


Cell = tuple[Part, ...]


@dataclass(frozen=True)
class Row:
    """One line: the name of its metric, then a cell a column; `kind` is value, interval, count or cost."""

    metric: str
    cells: tuple[Cell, ...]
    kind: str = "value"


@dataclass(frozen=True)
class Group:
    """The lines of one published result or of one run."""

    label: str
    rows: tuple[Row, ...]
    kind: str = "run"


@dataclass(frozen=True)
class Table:
    """A table: `header` names groups of columns with the columns in each."""

    name: str
    title: str
    header: tuple[tuple[str, tuple[str, ...]], ...]
    groups: tuple[Group, ...]
    note: str = ""


def number(value: float | None) -> str:
    """A number with three decimals, as the paper prints them."""
    return NOTHING if value is None else f"{value:.3f}"


def limits(interval: tuple[float, float] | None) -> str:
    """The two ends of an interval with three decimals."""
    return NOTHING if interval is None else f"{interval[0]:.3f}{DASH}{interval[1]:.3f}"


def to_markdown(table: Table) -> str:
    """A table in GitHub's Markdown, readable in a terminal too."""
    header = ["", ""]
    for group, columns in table.header:
        names = [escaped(column) for column in columns]
        header += [f"{group.replace('_', '-')}: {names[0]}" if group else names[0], *names[1:]]
    lines = []
    for part in table.groups:
        for position, row in enumerate(part.rows):
            label = escaped(f"**{part.label}**" if part.kind == "run" else part.label) if position == 0 else ""
            lines.append([label, row.metric, *(" / ".join(p.text for p in cell) for cell in row.cells)])
    if not any(line[1] for line in lines):
        header, lines = [header[0], *header[2:]], [[line[0], *line[2:]] for line in lines]
    align = ["right" if name else "left" for name in header]
    return tabulate(lines, header, tablefmt="pipe", colalign=align, disable_numparse=True)


def plain_to_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts in GitHub's Markdown."""
    cells = [[escaped(cell) for cell in row] for row in rows]
    return tabulate(cells, list(map(escaped, header)), tablefmt="pipe", disable_numparse=True)


def escaped(text: str) -> str:
    """Text as one line of Markdown, in a table or not."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split("\n"))
