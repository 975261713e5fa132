"""Thresholds that a run's metrics must reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from matchrcnn.errors import UserError
from matchrcnn.project import METRICS, Run


@dataclass(frozen=True)
class Check:
    """A metric of a run and the threshold that it must reach; `metric` is its path, such as `box/overall/AP50`."""

    run: str
    metric: str
    value: float
    threshold: float

    @property
    def passed(self) -> bool:
        """Whether the threshold is reached."""
        return self.value >= self.threshold


def check_runs(runs: Sequence[Run], thresholds: Mapping[str, Mapping[str, float]]) -> list[Check]:
    """Compare runs' metrics with thresholds, {run: {metric path: least value}}.

    Raises:
        UserError: a threshold names a metric that the run has no number for.
    """
    return [
        Check(run.name, metric, _measured(run, metric), threshold)
        for run in runs
        for metric, threshold in thresholds.get(run.name, {}).items()
    ]


def _measured(run: Run, metric: str) -> float:
    value = run.value(metric)
    if value is None:
        path = run.reports / METRICS
        raise UserError(f"{path}: no number at {metric}; correct its name in params.yaml: check.{run.name}")
    return value


def as_table(checks: Sequence[Check]) -> str:
    """The checks as a table for the terminal."""
    lines = [
        [
            check.run,
            check.metric,
            f"{check.value:.3f}",
            f"{check.threshold:.3f}",
            "reached" if check.passed else "MISSED",
        ]
        for check in checks
    ]
    header = ["run", "metric", "value", "threshold", ""]
    return tabulate(
        lines, header, tablefmt="github", colalign=("left", "left", "right", "right", "left"), disable_numparse=True
    )
