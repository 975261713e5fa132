"""The tables of the paper with the runs' rows in them."""

from collections.abc import Callable, Iterable, Sequence

from matchrcnn.project import Run
from matchrcnn.reporting.published import (
    FULL_DATA,
    ORIGINS,
    OVERALL_TOP_K,
    RELEASED,
    Published,
    comparable,
    compared,
    published,
    published_on,
    value_of,
)
from matchrcnn.reporting.tables.few import grey
from matchrcnn.reporting.tables.table import NOTHING, Cell, Group, Part, Row, Table, limits, number
from matchrcnn.reporting.titles import TEXTS, measure_title, score_title
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import DETECTION_STREAMS, PRECISION, Score, Task
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES

Paths = dict[str, list[tuple[str, ...]]]
"""Measure -> for each column, the paths of its numbers: one, or two for landmarks."""

Value = Callable[[str], float | None]
"""Gives the number at a path such as `box/scale/small/AP`, or None."""

COMPARED = "A run is compared with the published results of its own variant (retrieval.variant)."
SUBSET_HEADER = tuple((name, tuple(level.replace("_", " ") for level in levels)) for name, levels in ATTRIBUTES.items())


def task_tables(task: Task, runs: Sequence[Run]) -> list[Table]:
    """The tables of one task in the paper's order.

    Published rows come first, but not next to runs of data other than DeepFashion2.
    """
    if task.by_category:
        return [precision_table(task, runs)]
    subsets = (accuracy_subset_table(task, score, runs) for score in reversed(task.judged_by.scores))
    return [accuracy_table(task, runs), query_table(task, runs), *subsets]


def published_tables(task: Task) -> list[Table]:
    """The published rows of one task alone, for a report on data other than DeepFashion2."""
    return [table for table in task_tables(task, []) if table.groups]


def precision_table(task: Task, runs: Sequence[Run]) -> Table:
    """AP, AP50 and AP75 on the 12 subsets and overall: published rows, then the task's runs, then counts."""
    paths = {measure: _paths(task.keys, COLUMNS, measure) for measure in task.measures}
    groups = [_published_group(row, paths, ORIGINS[row.origin]) for row in _shown(published(task), runs)]
    groups += [_precision_group(run, paths, _reference(comparable(run))) for run in runs]
    groups += _count_groups(runs, task.keys[0])
    note = "Each cell: visible landmarks first, visible and occluded ones second." if len(task.keys) > 1 else ""
    return Table(task.name, TEXTS[task].title, (*SUBSET_HEADER, ("", ("overall",))), tuple(groups), note)


def accuracy_table(task: Task, runs: Sequence[Run]) -> Table:
    """Table 8 of the repository: top-k accuracy over all queries with detected boxes."""
    paths: Paths = {"accuracy": [(f"{task.keys[0]}/overall/{k}",) for k in task.measures]}
    rows = published_on(task, RELEASED)
    groups = [_published_group(row, paths, f"Published, released: {row.variant}") for row in _shown(rows, runs)]
    groups += [_accuracy_group(run, paths, _reference(comparable(run, rows))) for run in runs]
    header = (("", tuple(map(measure_title, task.measures))),)
    note = COMPARED if compared(runs) else ""
    return Table(task.name, "Retrieval, detected boxes, all queries", header, tuple(groups), note)


def accuracy_subset_table(task: Task, score: Score, runs: Sequence[Run]) -> Table:
    """Table 9 of the repository: top-20 on the subsets, and top-1, 10 and 20 over all queries."""
    key = score.key
    paths: Paths = {"top-20": [(f"{key}/{column}/top20",) for column in COLUMNS[:-1]]}
    paths["top-20"] += [(f"{key}/overall/{k}",) for k in OVERALL_TOP_K]
    rows = published_on(task, FULL_DATA)
    groups = [_published_group(row, paths, f"Published, full data: {row.variant}") for row in _shown(rows, runs)]
    groups += [_accuracy_group(run, paths, _reference(comparable(run, rows))) for run in runs]
    groups += _query_groups(runs, key)
    header = (*SUBSET_HEADER, ("overall", tuple(map(measure_title, OVERALL_TOP_K))))
    name = key.replace("/", "-").replace("_", "-")
    note = "Subset columns: top-20 accuracy over queries with more than 5 gallery items of their identity."
    note += f" {COMPARED}" if compared(runs) else ""
    return Table(name, f"Retrieval on subsets, {score_title(key)}", header, tuple(groups), note)


def query_table(task: Task, runs: Sequence[Run]) -> Table:
    """Queries of each run and protocol, those that the detector missed, and top-1 next to that of a random order."""
    groups = []
    for run in runs:
        for key in task.keys:
            queries, missed, first, chance = (
                run.value(f"{key}/overall/{name}") for name in ("queries", "missed", "top1", "chance_top1")
            )
            texts = [NOTHING if count is None else f"{count:,.0f}" for count in (queries, missed)]
            texts += [number(first), NOTHING if chance is None else f"{chance:.4f}"]
            texts.append(f"{first / chance:.1f}" if first is not None and chance else NOTHING)
            cells = tuple((Part(text),) for text in texts)
            groups.append(Group(f"{run.name}: {score_title(key)}", (Row("", cells),), "category"))
    header = (("", ("queries", "missed", "top-1", "top-1 by chance", "times chance")),)
    note = (
        "Missed: no detection stands for the query, which counts as wrong. Chance: what a random order of the "
        "gallery's ground-truth items would reach."
    )
    return Table("queries", "Queries, and what chance would reach", header, tuple(groups), note)


def category_table(task: Task, runs: Sequence[Run]) -> Table:
    """AP, AP50 and AP75 of each category, one group of lines a category; nothing was published."""
    header = tuple((run.name, task.measures) for run in runs)
    groups = []
    for name in CATEGORY_NAMES:
        cells = [
            _own_cell(run, [f"{key}/category/{name}/{measure}" for key in task.keys])
            for run in runs
            for measure in task.measures
        ]
        items = next((run.count(task.keys[0], f"category/{name}", "items") for run in runs), None)
        groups.append(Group(name, (Row("" if items is None else f"{items:,} items", tuple(cells)),), "category"))
    return Table(f"{task.name}-categories", "AP of each category", header, tuple(groups))


def glance_table(runs: Sequence[Run]) -> Table:
    """Every AP that any run was scored on, over all items."""
    groups = []
    for run in runs:
        for key in (score.key for stream in DETECTION_STREAMS for score in stream.scores if run.has(score.key)):
            cells = [_own_cell(run, [f"{key}/overall/{measure}"]) for measure in (*PRECISION, "AR")]
            cells.insert(1, (Part(limits(run.interval(f"{key}/overall/AP"))),))
            groups.append(Group(f"{run.name}: {score_title(key)}", (Row("", tuple(cells)),), "category"))
    header = ("AP", "interval", *PRECISION[1:], "AR")
    return Table("glance", "All runs, over all items", (("", header),), tuple(groups))


def best_run(task: Task, runs: Sequence[Run]) -> Run | None:
    """The task's best run by its first number; None when no run was scored on it."""
    scored = [run for run in runs if run.task is task and run.value(task.headline_path) is not None]
    return max(scored, key=lambda run: run.value(task.headline_path) or 0, default=None)


def _shown(rows: Sequence[Published], runs: Sequence[Run]) -> Sequence[Published]:
    """The published rows of a table: all next to runs of DeepFashion2 and where there is no run, else none."""
    return rows if compared(runs) or not runs else []


def _paths(keys: Sequence[str], columns: Iterable[str], measure: str) -> list[tuple[str, ...]]:
    return [tuple(f"{key}/{column}/{measure}" for key in keys) for column in columns]


def _cell(value: Value, paths: Iterable[str], reference: Value | None = None) -> Cell:
    parts = []
    for path in paths:
        own, other = value(path), reference(path) if reference else None
        if own is None or other is None:
            parts.append(Part(number(own)))
        else:
            parts.append(Part(number(own), own - other, f"{own - other:+.3f} from the published"))
    return tuple(parts) if any(part.text != NOTHING for part in parts) else (Part(NOTHING),)


def _own_cell(run: Run, paths: Sequence[str], reference: Value | None = None) -> Cell:
    """A cell of a run's numbers; one with few items or queries behind it says so and is not judged."""
    parts = zip(_cell(run.value, paths, reference), paths, strict=False)  # one dash may stand for all paths
    return tuple(grey(part, run, path) for part, path in parts)


def _published_group(row: Published, paths: Paths, label: str) -> Group:
    rows = tuple(Row(m, tuple(_cell(row.values.get, cell) for cell in cells)) for m, cells in paths.items())
    return Group(label, rows, "published")


def _run_group(run: Run, paths: Paths, reference: Value) -> Group:
    rows = tuple(Row(m, tuple(_own_cell(run, cell, reference) for cell in cells)) for m, cells in paths.items())
    return Group(f"{run.name} ({run.schedule})", rows)


def _precision_group(run: Run, paths: Paths, reference: Value) -> Group:
    group = _run_group(run, paths, reference)
    if not any(run.interval(path) for cell in paths["AP"] for path in cell):
        return group
    cells = tuple(tuple(Part(limits(run.interval(path))) for path in cell) for cell in paths["AP"])
    row = Row(f"AP, {_level(run)}", cells, "interval")
    return Group(group.label, (group.rows[0], row, *group.rows[1:]))


def _count_groups(runs: Sequence[Run], key: str) -> list[Group]:
    if not runs:
        return []
    rows = []
    for what in ("items", "images"):
        counts = [runs[0].count(key, column, what) for column in COLUMNS]
        if any(count is not None for count in counts):
            cells = tuple((Part(NOTHING if count is None else f"{count:,}"),) for count in counts)
            rows.append(Row(what, cells, "count"))
    return [Group("Validation data", tuple(rows), "count")] if rows else []


def _accuracy_group(run: Run, paths: Paths, reference: Value) -> Group:
    """The run's accuracies, with their intervals below where they were computed."""
    group = _run_group(run, paths, reference)
    (cells,) = paths.values()
    limited = tuple(tuple(Part(limits(run.interval(path))) for path in cell) for cell in cells)
    if all(part.text == NOTHING for cell in limited for part in cell):
        return group
    return Group(group.label, (*group.rows, Row(_level(run), limited, "interval")))


def _query_groups(runs: Sequence[Run], key: str) -> list[Group]:
    counts = [runs[0].value(f"{key}/{column}/queries") for column in COLUMNS] if runs else []
    if all(count is None for count in counts):
        return []
    texts = [NOTHING if count is None else f"{count:,.0f}" for count in (*counts, counts[-1], counts[-1])]
    return [Group("Validation queries", (Row("", tuple((Part(text),) for text in texts), "count"),), "count")]


def _reference(rows: Sequence[Published]) -> Value:
    """The published number of a path: on the released data where it was published, on the full data otherwise."""
    return lambda path: value_of(path, rows)


def _level(run: Run) -> str:
    return f"{run.level:.0%}"
