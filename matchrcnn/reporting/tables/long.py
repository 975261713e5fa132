"""Every number of every run in one tidy table, for pandas and for checks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from matchrcnn.files import write_text
from matchrcnn.reporting.runs import Run

COLUMNS = ["run", "task", "metric", "value", "low", "high"]


def write_long_table(runs: Sequence[Run], path: Path) -> None:
    """Write a CSV, a row a number: run, task, metric (as `box/scale/small/AP`), value, interval where there is one."""
    rows = [
        [run.name, run.task, metric, value, *(run.interval(metric) or (None, None))]
        for run in runs
        for metric, value in _numbers(run.metrics)
    ]
    write_text(path, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False))


def _numbers(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}/")
        elif value is not None:
            yield f"{prefix}{key}", float(value)
