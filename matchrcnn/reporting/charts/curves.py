"""Curves of a training, read from curves.csv."""

import math

from matchrcnn.project import Run
from matchrcnn.reporting.charts.geometry import Point


def curve(run: Run, column: str) -> list[Point]:
    """Where a column was measured: (epoch, value) of each row that holds a finite number in it.

    A row of validation alone states its iteration only; its epoch follows from the last row that has both.
    """
    both = next((row for row in reversed(run.curves) if row.get("epoch") and row.get("iteration")), None)
    if both is None:
        return []
    per_iteration = float(both["epoch"]) / float(both["iteration"])
    points = [(float(row["iteration"]) * per_iteration, float(row[column])) for row in run.curves if row.get(column)]
    return [(x, y) for x, y in points if math.isfinite(y)]
