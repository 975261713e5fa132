"""What is known of a split after reading it: counts and defects, as one JSON file."""

from pathlib import Path
from typing import Any, TypedDict

import orjson

from matchrcnn.data.original.tally import DefectCount, Tally
from matchrcnn.files import write_text


class DefectLine(TypedDict):
    """A defect, what was done about it, and where: an empty `item` is the whole file."""

    kind: str
    action: str
    file: str
    item: str
    reason: str


class SplitReport(TypedDict):
    """What is known of a split: `counts` as nested integers, defects by kind, and each defect by itself."""

    split: str
    counts: dict[str, Any]
    defects: dict[str, DefectCount]
    defect_list: list[DefectLine]


def split_report(split: str, tally: Tally) -> SplitReport:
    """Return the report of a split from its counts."""
    return SplitReport(
        split=split,
        counts=tally.summary(),
        defects=tally.defect_counts(),
        defect_list=[
            DefectLine(kind=d.kind, action=d.action, file=d.file, item=d.item, reason=d.reason) for d in tally.defects
        ],
    )


def write_report(path: Path, report: SplitReport) -> None:
    """Write a split's report: indented, with one line per defect."""
    head = {key: value for key, value in report.items() if key != "defect_list"}
    lines = ",\n".join(f"    {orjson.dumps(defect).decode()}" for defect in report["defect_list"])
    text = orjson.dumps(head, option=orjson.OPT_INDENT_2).decode().removesuffix("\n}")
    write_text(path, f'{text},\n  "defect_list": [\n{lines}\n  ]\n}}\n')
