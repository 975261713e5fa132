"""Every number of every run in one tidy table, for pandas and for checks."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from matchrcnn.files import write_text
from matchrcnn.paths import numbers
from matchrcnn.project import Run

HEADER = ["run", "task", "metric", "value", "low", "high"]


def write_long_table(runs: Sequence[Run], path: Path) -> None:
    """Write a CSV, a row a number: run, task, metric (as `box/scale/small/AP`), value, interval where there is one."""
    rows = [
        [run.name, run.task.name, metric, value, *(run.interval(metric) or (None, None))]
        for run in runs
        for metric, value in numbers(run.metrics).items()
    ]
    write_text(path, pd.DataFrame(rows, columns=HEADER).to_csv(index=False))
