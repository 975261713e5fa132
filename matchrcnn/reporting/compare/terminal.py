"""A comparison as plain text for a terminal."""

import textwrap
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from matchrcnn.reporting.compare.tables import Comparison
from matchrcnn.reporting.tables.table import Cell, Group, Table

WIDE = 6
"""Columns of numbers that a table may have before it is turned."""

GROUPS = 5
"""Groups beside each other in a table that was turned."""

TEXT = 120
"""Width of paragraphs, characters."""

NOTE = "Intervals of subsets and categories: --markdown or --html."


def to_text(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as paragraphs and aligned tables, without Markdown."""
    return "\n\n".join(part for one in comparisons for part in _parts(one) if part) + "\n"


def _parts(one: Comparison) -> Iterator[str]:
    yield one.title
    yield textwrap.fill(one.summary, TEXT)
    for table in one.tables:
        yield f"{table.title}\n\n{_aligned(table)}"
    if one.params:
        rows = tabulate(one.params.rows, one.params.header, disable_numparse=True)
        yield f"{one.params.title}\n\n{rows}"
    else:
        yield one.params_note
    yield from (textwrap.fill(note, TEXT) for note in one.notes)
    if len(one.tables) > 1:
        yield NOTE


def _aligned(table: Table) -> str:
    """The table as it is, or turned where it has a column for each subset or category, which fits no terminal."""
    names = [f"{group.replace('_', '-')} {name}".strip() for group, columns in table.header for name in columns]
    return _as_it_is(table, names) if len(names) <= WIDE else _turned(table, names)


def _as_it_is(table: Table, names: list[str]) -> str:
    lines = []
    for part in table.groups:
        for place, row in enumerate(part.rows):
            lines.append([part.label if place == 0 else "", row.metric, *map(_text, row.cells)])
    align = ["left", "left", *("right" for _ in names)]
    return tabulate(lines, ["", "", *names], colalign=align, disable_numparse=True)


def _turned(table: Table, names: list[str]) -> str:
    """A line for each column of the table, a column for the first row of each group; a few groups at a time.

    Intervals are left out.
    """
    chunks = [table.groups[start : start + GROUPS] for start in range(0, len(table.groups), GROUPS)]
    return "\n\n".join(_turned_groups(some, names) for some in chunks)


def _turned_groups(groups: Sequence[Group], names: list[str]) -> str:
    header = ["", *("\n".join(textwrap.wrap(f"{part.label} {part.rows[0].metric}", 14)) for part in groups)]
    columns = [list(map(_text, part.rows[0].cells)) for part in groups]
    lines = [list(line) for line in zip(names, *columns, strict=True)]
    align = ["left", *("right" for _ in columns)]
    return tabulate(lines, header, colalign=align, disable_numparse=True)


def _text(cell: Cell) -> str:
    return " / ".join(part.text for part in cell)
