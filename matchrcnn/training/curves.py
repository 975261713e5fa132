"""Training curves: means of the losses over windows of iterations, kept in order and written as CSV."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from matchrcnn.files import write_text

Measured = Callable[[int, Mapping[str, float]], None]
"""Called with an iteration and what was measured there, as soon as it is."""

FIRST_COLUMNS = ["epoch", "lr", "total_loss"]


class Curves:
    """Collects what a training measures.

    Its rows are a function of the training alone; what depends on the machine, such as times, is only told.
    """

    def __init__(self, tell: Sequence[Measured] = ()) -> None:
        self.tell = tell
        self.rows: dict[int, dict[str, float]] = {}
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, values: Mapping[str, float]) -> None:
        """Add one iteration's values to the current window."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def close_window(self, iteration: int, values: Mapping[str, float], machine: Mapping[str, float]) -> None:
        """Record the window's means and `values` at an iteration; `machine` is only told."""
        means = {name: total / self._count for name, total in self._sums.items()} if self._count else {}
        self._sums, self._count = {}, 0
        self.record(iteration, {**values, **means})
        self._tell(iteration, machine)

    def record(self, iteration: int, values: Mapping[str, float]) -> None:
        """Record values at an iteration, in addition to those that are there."""
        self.rows.setdefault(iteration, {}).update(values)
        self._tell(iteration, values)

    def _tell(self, iteration: int, values: Mapping[str, float]) -> None:
        for tell in self.tell:
            tell(iteration, values)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs to resume."""
        return {"rows": self.rows, "sums": self._sums, "count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Resume from a checkpoint."""
        self.rows, self._sums, self._count = dict(state["rows"]), dict(state["sums"]), state["count"]

    def write(self, path: Path) -> None:
        """Write a CSV: iteration, epoch, lr, total_loss, then the other columns by name; empty where not measured."""
        table = pd.DataFrame.from_dict(self.rows, orient="index").rename_axis("iteration").sort_index()
        first = [name for name in FIRST_COLUMNS if name in table]
        table = table[first + sorted(name for name in map(str, table) if name not in first)]
        write_text(path, table.to_csv())
