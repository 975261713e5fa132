"""What is known of a split after reading it: counts and defects, as one JSON file."""

from pathlib import Path
from typing import Any

import orjson

from matchrcnn.data.original.tally import Tally
from matchrcnn.files import write_text


def split_report(split: str, tally: Tally) -> dict[str, Any]:
    """Counts, the number of defects of each kind, and each defect with its file, item and reason."""
    return {
        "split": split,
        "counts": tally.summary(),
        "defects": tally.defect_counts(),
        "defect_list": [
            {"kind": d.kind, "action": d.action, "file": d.file, "item": d.item, "reason": d.reason}
            for d in tally.defects
        ],
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a split's report: indented, with one line a defect."""
    head = {key: value for key, value in report.items() if key != "defect_list"}
    lines = ",\n".join(f"    {orjson.dumps(defect).decode()}" for defect in report["defect_list"])
    text = orjson.dumps(head, option=orjson.OPT_INDENT_2).decode().removesuffix("\n}")
    write_text(path, f'{text},\n  "defect_list": [\n{lines}\n  ]\n}}\n')
