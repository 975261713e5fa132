"""What a data set in the original layout holds: counts and defects of each split, without writing anything."""

from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate

from matchrcnn.data.original.layout import find_splits, list_split
from matchrcnn.data.original.report import DefectLine, SplitReport, split_report
from matchrcnn.data.original.scan import scan
from matchrcnn.data.original.tally import Tally
from matchrcnn.paths import lookup
from matchrcnn.taxonomy import ATTRIBUTES

Reports = dict[str, SplitReport]
"""Reports by split."""

_OVERVIEW = {
    "images": "images",
    "items": "items",
    "source/shop/images": "shop images",
    "source/user/images": "user images",
    "source/shop/items": "shop items",
    "source/user/items": "user items",
    "without_style": "items of style 0",
    "without_landmarks": "items without landmarks",
    "identities": "identities (pair_id, style > 0)",
    "item_pairs": "item pairs",
    "image_pairs": "image pairs",
    "queries": "queries (user items of style > 0)",
    "queries_without_match": "queries without a shop item",
    "skipped/files": "files skipped",
    "skipped/images": "images skipped",
    "skipped/items": "items skipped",
    "skipped/items_of_skipped_images": "items skipped with their image",
}


def inspect_dataset(root: Path, workers: int | None = None) -> Reports:
    """Read a data set and count what it holds.

    Args:
        root: folder with train/, validation/ or test/; test splits need no annotations.
        workers: processes; as many as there are cores by default.

    Returns:
        Split -> the report that conversion writes. Without annotations, its images are those that can be read.

    Raises:
        UserError: the folder is no data set; says what is there and what is expected.
    """
    reports = {}
    for folder in find_splits(root):
        split = list_split(folder)
        total = Tally.of_files(split.defects)
        for chunk in scan(split, workers=workers):
            total.merge(chunk.tally)
        reports[folder.name] = split_report(folder.name, total)
    return reports


def as_text(reports: Reports, all_defects: bool = False) -> str:
    """Return the counts of each split side by side as tables, then the defects.

    Args:
        reports: of `inspect_dataset`.
        all_defects: list each defect with its file, not only the count of each kind.
    """
    columns = [report["counts"] for report in reports.values()]
    rows = [[label, *(f"{lookup(counts, path):,}" for counts in columns)] for path, label in _OVERVIEW.items()]
    rows += _section("items by category", [counts["category"] for counts in columns])
    for attribute in ATTRIBUTES:
        rows += _section(f"items by {attribute}", [counts[attribute] for counts in columns])
    rows += _section("images by number of items", [counts["items_per_image"] for counts in columns])
    align = ["left", *("right" for _ in reports)]
    table = tabulate(rows, ["", *reports], colalign=align, disable_numparse=True)
    return "\n".join([table, "", _defects(reports), *(_each_defect(reports) if all_defects else ())])


def _section(title: str, columns: list[dict[str, int]]) -> list[list[str]]:
    """Rows of a group of counts: an empty one, its title, then a row for each label."""
    rows: list[list[str]] = [[], [title]]
    for label in dict.fromkeys(label for column in columns for label in column):
        rows.append([label, *(_with_share(column.get(label, 0), sum(column.values())) for column in columns)])
    return rows


def _with_share(count: int, total: int) -> str:
    return f"{count:,} {100 * count / (total or 1):4.0f} %"


def _defects(reports: Reports) -> str:
    rows = [
        [split, kind, found["action"], f"{found['count']:,}"]
        for split, report in reports.items()
        for kind, found in report["defects"].items()
    ]
    header, align = ["split", "defect", "what is done", "count"], ["left", "left", "left", "right"]
    return tabulate(rows, header, colalign=align, disable_numparse=True) if rows else "No defects."


def _each_defect(reports: Reports) -> Iterator[str]:
    yield ""
    for split, report in reports.items():
        for defect in report["defect_list"]:
            yield _defect_line(split, defect)


def _defect_line(split: str, defect: DefectLine) -> str:
    where = " ".join(filter(None, (f"{split}/{defect['file']}", defect["item"])))
    return f"{where}: {defect['kind']}, {defect['action']}: {defect['reason']}"
