"""The published rows that the report shows next to a run's own, read from published.yaml."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from matchrcnn.data.marker import data_set_name, is_deepfashion2
from matchrcnn.project import Run
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import TOP_K, Task

PUBLISHED: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("published.yaml").read_text())

RELEASED, FULL_DATA = "released", "full_data"
ORIGINS = {
    RELEASED: "Published, released (191,961 images)",
    FULL_DATA: "Published, full data (390,884 images, never released)",
    "paper_table_4": "Published, paper's first version (never released data)",
}
"""Tables of the paper and of its repository: key in published.yaml -> label of its rows."""

OVERALL_TOP_K = ("top1", "top10", "top20")
"""Measures over all queries of the table of retrieval's subsets."""


@dataclass(frozen=True)
class Published:
    """One published result of a task.

    Attributes:
        origin: key of its table, one of ORIGINS.
        variant: name of the retrieval variant; empty for other tasks.
        values: score/column/measure, as in metrics.json, -> 0..1.
    """

    origin: str
    variant: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@cache
def published(task: Task) -> tuple[Published, ...]:
    """All published results of a task, those on the released data first."""
    rows = _precision if task.by_category else _accuracy
    tables = PUBLISHED[task.name]
    return tuple(row for origin in ORIGINS if origin in tables for row in rows(task, origin, tables[origin]))


def published_on(task: Task, origin: str) -> list[Published]:
    """The results of one table."""
    return [row for row in published(task) if row.origin == origin]


def other_data(run: Run) -> str | None:
    """Return the first data set other than DeepFashion2 that a run was evaluated or trained on, by its name, or None.

    This alone decides what is set against the published results, which are of DeepFashion2.
    """
    names = [data_set_name(run.project.data, run.project.params.data.name)]
    if run.training is not None:
        names.append(run.training.data)
    return next((name for name in names if not is_deepfashion2(name)), None)


def compared(runs: Sequence[Run]) -> bool:
    """Whether any of the runs is compared with the published results."""
    return any(other_data(run) is None for run in runs)


def comparable(run: Run, rows: Iterable[Published] | None = None) -> list[Published]:
    """The rows that a run is compared with: of its own variant where the task has variants; by default of all rows.

    None where its data are not DeepFashion2.
    """
    if other_data(run) is not None:
        return []
    own = run.variant.name if run.variant else ""
    return [row for row in (published(run.task) if rows is None else rows) if row.variant == own]


def value_of(path: str, rows: Iterable[Published]) -> float | None:
    """The first published number at a path such as `box/overall/AP`, or None."""
    return next((row.values[path] for row in rows if path in row.values), None)


def best_released(task: Task) -> Published:
    """The best result on the released data, by the task's first number."""
    return max(published_on(task, RELEASED), key=lambda row: row.values[task.headline_path])


def headline_published(task: Task) -> float:
    """The best published value of a task's first number, on the released data."""
    return best_released(task).values[task.headline_path]


def best_known(task: Task) -> str:
    """One sentence on the best number known to us, for orientation."""
    entry = dict(PUBLISHED["best_known"][task.name])
    source = entry.pop("by")
    name, value = next(iter(entry.items()))
    number = ", ".join(f"{v:.3f}" for v in value) if isinstance(value, list) else f"{value:.3f}"
    return f"Best known on validation: {name.replace('_', ' ')} {number}, {source}."


def _precision(task: Task, origin: str, table: Mapping[str, Any]) -> Iterator[Published]:
    """A table of AP: a number for each column, or one over all items; landmarks have a part for each score."""
    values = {
        f"{key}/{column}/{measure}": number
        for key in task.keys
        for measure, numbers in table.get(key, table).items()
        for column, number in (
            zip(COLUMNS, numbers, strict=True) if isinstance(numbers, list) else [("overall", numbers)]
        )
    }
    yield Published(origin, values=values)


def _accuracy(task: Task, origin: str, table: Mapping[str, Any]) -> Iterator[Published]:
    """A table of top-k accuracy: a row for each variant, whose scores are parts of the table."""
    variants = dict.fromkeys(variant for part in table.values() for variant in part)
    for variant in variants:
        values: dict[str, float] = {}
        for key, part in table.items():
            values |= _variant(key, part[variant])
        yield Published(origin, variant, values)


def _variant(key: str, numbers: list[float] | Mapping[str, list[float]]) -> dict[str, float]:
    """The numbers of a variant over all queries, or top-20 of the subsets and three numbers over all queries."""
    if not isinstance(numbers, Mapping):
        return {f"{key}/overall/{k}": number for k, number in zip(TOP_K, numbers, strict=True)}
    subsets = zip(COLUMNS[:-1], numbers["subsets"], strict=True)
    overall = zip(OVERALL_TOP_K, numbers["overall"], strict=True)
    return {f"{key}/{column}/top20": number for column, number in subsets} | {
        f"{key}/overall/{k}": number for k, number in overall
    }
