"""Tables of what conversion counted in each split, and of the defects that it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from matchrcnn.files import read_json
from matchrcnn.project import SPLITS, Project
from matchrcnn.reporting.tables.table import DASH, NOTHING
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES

LISTED = 200
"""Defects of a split that the page lists one by one; all are in reports/data/SPLIT.json."""

TOTALS = (
    "images",
    "items",
    "identities",
    "item_pairs",
    "image_pairs",
    "queries",
    "queries_without_match",
    "without_style",
    "without_landmarks",
)


class Defect(TypedDict):
    """Something that the conversion found wrong, and what it did about it."""

    file: str
    item: str | None
    kind: str
    action: str
    reason: str


class DefectCount(TypedDict):
    """How often a kind of defect was found."""

    action: str
    count: int


class DataReport(TypedDict):
    """What the conversion of a split counted: totals, and items of each category and attribute level."""

    counts: dict[str, Any]
    defects: dict[str, DefectCount]
    defect_list: list[Defect]


Reports = Mapping[str, DataReport]


@dataclass(frozen=True)
class PlainTable:
    """A table of texts; the first cell of a row is its name."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def load_reports(project: Project) -> dict[str, DataReport]:
    """The reports that the conversion left, by split; a split that was not converted has none."""
    paths = {split: project.data_report(split) for split in SPLITS}
    return {split: read_json(path) for split, path in paths.items() if path.exists()}


def data_tables(reports: Reports) -> list[PlainTable]:
    """Totals, categories, attributes and kinds of defect, a column for each split."""
    if not reports:
        return []
    levels = [
        row
        for name, levels in ATTRIBUTES.items()
        for row in _shares(reports, name, levels, f"{name.replace('_', '-')}: ")
    ]
    return [
        PlainTable("totals", ("", *reports), _totals(reports)),
        PlainTable("items by category", ("", *reports), _shares(reports, "category", CATEGORY_NAMES)),
        PlainTable("items by attribute", ("", *reports), tuple(levels)),
        _defects(reports),
    ]


def defect_lists(reports: Reports) -> list[tuple[str, int, PlainTable]]:
    """Split, number of defects, and the first of them one by one, for splits that have any."""
    header = ("file", "item", "defect", "action", "reason")
    lists = []
    for split, report in reports.items():
        if found := report["defect_list"]:
            rows = tuple(_cells(defect) for defect in found[:LISTED])
            lists.append((split, len(found), PlainTable(f"Defects, {split}", header, rows)))
    return lists


def _cells(defect: Defect) -> tuple[str, ...]:
    return defect["file"], str(defect["item"]), defect["kind"], defect["action"], defect["reason"]


def _totals(reports: Reports) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (name.replace("_", " "), *(f"{report['counts'].get(name, 0):,}" for report in reports.values()))
        for name in TOTALS
    )


def _shares(reports: Reports, key: str, names: tuple[str, ...], prefix: str = "") -> tuple[tuple[str, ...], ...]:
    """A row for each name: how many items, and their share, in each split."""
    counts = [report["counts"][key] for report in reports.values()]
    return tuple((prefix + name.replace("_", " "), *(_share(count, name) for count in counts)) for name in names)


def _share(counts: Mapping[str, int], name: str) -> str:
    total = sum(counts.values())
    return f"{counts.get(name, 0):,} ({counts.get(name, 0) / total:.1%})" if total else NOTHING


def _defects(reports: Reports) -> PlainTable:
    kinds = list(dict.fromkeys(kind for report in reports.values() for kind in report["defects"]))
    rows = []
    for kind in kinds:
        found = [report["defects"].get(kind) for report in reports.values()]
        action = next(entry["action"] for entry in found if entry)
        counts = (f"{entry['count']:,}" if entry else "0" for entry in found)
        rows.append((f"{kind.replace('_', ' ')} {DASH} {action}", *counts))
    return PlainTable("defects", ("", *reports), tuple(rows) or (("none found", *("" for _ in reports)),))
