"""What a data set in the original layout holds: counts and defects of each split, without writing anything."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

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


def print_reports(reports: Reports, console: Console, all_defects: bool = False) -> None:
    """Print the counts of each split side by side as tables, then the defects.

    Args:
        reports: of `inspect_dataset`.
        console: a rich console; plain where it is no terminal.
        all_defects: list each defect with its file, not only how many of each kind there are.
    """
    table = Table("", *(Column(split, justify="right") for split in reports), box=SIMPLE_HEAD)
    for path, label in _OVERVIEW.items():
        table.add_row(label, *(f"{lookup(report['counts'], path):,}" for report in reports.values()))
    _add_section(table, reports, "items by category", "category")
    for attribute in ATTRIBUTES:
        _add_section(table, reports, f"items by {attribute}", attribute)
    _add_section(table, reports, "images by number of items", "items_per_image")
    console.print(table)
    _print_defects(reports, console, all_defects)


def _add_section(table: Table, reports: Reports, title: str, name: str) -> None:
    columns = [report["counts"][name] for report in reports.values()]
    table.add_section()
    table.add_row(f"[bold]{title}[/bold]")
    for label in dict.fromkeys(label for column in columns for label in column):
        table.add_row(f"  {label}", *(_with_share(column.get(label, 0), sum(column.values())) for column in columns))


def _with_share(count: int, total: int) -> str:
    return f"{count:,} {100 * count / (total or 1):4.0f} %"


def _print_defects(reports: Reports, console: Console, each: bool) -> None:
    table = Table("split", "defect", "what is done", Column("count", justify="right"), box=SIMPLE_HEAD)
    for split, report in reports.items():
        for kind, found in report["defects"].items():
            table.add_row(split, kind, found["action"], f"{found['count']:,}")
    console.print(table if table.row_count else "No defects.")
    if each:
        for split, report in reports.items():
            for defect in report["defect_list"]:
                console.print(_defect_line(split, defect), markup=False, highlight=False, soft_wrap=True)


def _defect_line(split: str, defect: DefectLine) -> str:
    where = " ".join(filter(None, (f"{split}/{defect['file']}", defect["item"])))
    return f"{where}: {defect['kind']}, {defect['action']}: {defect['reason']}"
