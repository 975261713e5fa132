"""The tables of the paper with the runs' rows in them."""

from collections.abc import Callable, Iterable, Sequence

from matchrcnn.reporting.published import (
    METRICS,
    TOP_K,
    Published,
    headline_published,
    published_ap,
    published_retrieval_subsets,
    published_top_k,
    variant_of,
)
from matchrcnn.reporting.runs import COLUMNS, STREAMS, Run
from matchrcnn.reporting.tables.table import NOTHING, Cell, Group, Part, Row, Table, limits, number
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES

Paths = dict[str, list[tuple[str, ...]]]
"""Metric -> for each column, the paths of its numbers: one, or two for landmarks."""

Value = Callable[[str], float | None]
"""Gives the number at a path such as `box/scale/small/AP`, or None."""

TASK_TITLES = {
    "detection": "Clothes detection",
    "segmentation": "Clothes segmentation",
    "landmarks": "Landmark estimation",
    "retrieval": "Consumer-to-shop retrieval",
}
STREAM_TITLES = {
    "box": "box",
    "mask": "mask",
    "landmarks_visible": "landmarks, visible",
    "landmarks_visible_and_occluded": "landmarks, visible and occluded",
    "retrieval/detected_box": "detected boxes",
    "retrieval/ground_truth_box": "ground-truth boxes",
}
AP_STREAMS = tuple(stream for stream in STREAM_TITLES if not stream.startswith("retrieval"))
COMPARED = "A run is compared with the published variant that its name ends in."
SUBSET_HEADER = tuple((name, tuple(level.replace("_", " ") for level in levels)) for name, levels in ATTRIBUTES.items())


def ap_table(task: str, runs: Sequence[Run]) -> Table:
    """AP, AP50 and AP75 on the 12 subsets and overall: published rows first, then the task's runs, then counts."""
    streams = STREAMS[task]
    published = published_ap(task, streams)
    reference = _first_of(published)
    paths = {metric: _paths(streams, COLUMNS, metric) for metric in METRICS}
    groups = [_published_group(row, paths) for row in published]
    groups += [_ap_group(run, paths, reference) for run in runs]
    groups += _count_groups(runs, streams[0])
    note = "Each cell: visible landmarks first, visible and occluded ones second." if len(streams) > 1 else ""
    return Table(task, TASK_TITLES[task], (*SUBSET_HEADER, ("", ("overall",))), tuple(groups), note)


def top_k_table(runs: Sequence[Run]) -> Table:
    """Table 8 of the repository: top-k accuracy over all queries with detected boxes."""
    stream = "retrieval/detected_box"
    paths: Paths = {"accuracy": [(f"{stream}/overall/{k}",) for k in TOP_K]}
    published = published_top_k()
    groups = [_published_group(row, paths, "released") for row in published]
    groups += [_retrieval_group(run, paths, _variant_of(run, published)) for run in runs]
    header = (("", tuple(k.replace("top", "top-") for k in TOP_K)),)
    return Table("retrieval", "Retrieval, detected boxes, all queries", header, tuple(groups), COMPARED)


def retrieval_subset_table(stream: str, runs: Sequence[Run]) -> Table:
    """Table 9 of the repository: top-20 on the subsets, and top-1, 10 and 20 over all queries."""
    overall = ("top1", "top10", "top20")
    paths: Paths = {"top-20": [(f"{stream}/{column}/top20",) for column in COLUMNS[:-1]]}
    paths["top-20"] += [(f"{stream}/overall/{k}",) for k in overall]
    published = published_retrieval_subsets(stream)
    groups = [_published_group(row, paths, "full data") for row in published]
    groups += [_retrieval_group(run, paths, _variant_of(run, published)) for run in runs]
    groups += _query_groups(runs, stream)
    header = (*SUBSET_HEADER, ("overall", tuple(k.replace("top", "top-") for k in overall)))
    name = stream.replace("/", "-").replace("_", "-")
    note = "Subset columns: top-20 accuracy over queries with more than 5 gallery items of their identity. " + COMPARED
    return Table(name, f"Retrieval on subsets, {STREAM_TITLES[stream]}", header, tuple(groups), note)


def query_table(runs: Sequence[Run]) -> Table:
    """Queries of each run and protocol, those that the detector missed, and top-1 beside that of a random order."""
    groups = []
    for run in runs:
        for stream in STREAMS["retrieval"]:
            queries, missed, first, chance = (
                run.value(f"{stream}/overall/{key}") for key in ("queries", "missed", "top1", "chance_top1")
            )
            texts = [NOTHING if count is None else f"{count:,.0f}" for count in (queries, missed)]
            texts += [number(first), NOTHING if chance is None else f"{chance:.4f}"]
            texts.append(f"{first / chance:.1f}" if first is not None and chance else NOTHING)
            cells = tuple((Part(text),) for text in texts)
            groups.append(Group(f"{run.name}: {STREAM_TITLES[stream]}", (Row("", cells),), "category"))
    header = (("", ("queries", "missed", "top-1", "top-1 by chance", "times chance")),)
    note = (
        "Missed: no detection stands for the query, which counts as wrong. Chance: what a random order of the "
        "gallery's ground-truth items would reach."
    )
    return Table("queries", "Queries, and what chance would reach", header, tuple(groups), note)


def category_table(task: str, runs: Sequence[Run]) -> Table:
    """AP, AP50 and AP75 of each category, one group of lines a category; nothing was published."""
    streams = STREAMS[task]
    header = tuple((run.name, METRICS) for run in runs)
    groups = []
    for name in CATEGORY_NAMES:
        cells = [
            _cell(run.value, [f"{stream}/category/{name}/{m}" for stream in streams]) for run in runs for m in METRICS
        ]
        items = next((run.count(streams[0], f"category/{name}", "items") for run in runs), None)
        groups.append(Group(name, (Row("" if items is None else f"{items:,} items", tuple(cells)),), "category"))
    return Table(f"{task}-categories", "AP of each category", header, tuple(groups))


def glance_table(runs: Sequence[Run]) -> Table:
    """Every AP that any run was scored on, over all items."""
    groups = []
    for run in runs:
        for stream in (stream for stream in AP_STREAMS if run.has(stream)):
            path = f"{stream}/overall"
            cells = [_cell(run.value, [f"{path}/{metric}"]) for metric in (*METRICS, "AR")]
            cells.insert(1, (Part(limits(run.interval(f"{path}/AP"))),))
            groups.append(Group(f"{run.name}: {STREAM_TITLES[stream]}", (Row("", tuple(cells)),), "category"))
    return Table("glance", "All runs, over all items", (("", ("AP", "interval", "AP50", "AP75", "AR")),), tuple(groups))


def headline(task: str, runs: Sequence[Run]) -> tuple[Run, str] | None:
    """The task's best run by its first metric, with that metric's path; None when no run was scored on it."""
    path, _ = headline_published(task)
    scored = [run for run in runs if run.task == task and run.value(path) is not None]
    return (max(scored, key=lambda run: run.value(path) or 0), path) if scored else None


def _paths(streams: Sequence[str], columns: Iterable[str], metric: str) -> list[tuple[str, ...]]:
    return [tuple(f"{stream}/{column}/{metric}" for stream in streams) for column in columns]


def _cell(value: Value, paths: Iterable[str], reference: Value | None = None) -> Cell:
    parts = []
    for path in paths:
        own, other = value(path), reference(path) if reference else None
        if own is None or other is None:
            parts.append(Part(number(own)))
        else:
            parts.append(Part(number(own), own - other, f"{own - other:+.3f} from the published"))
    return tuple(parts) if any(part.text != NOTHING for part in parts) else (Part(NOTHING),)


def _published_group(row: Published, paths: Paths, origin: str = "") -> Group:
    rows = tuple(Row(m, tuple(_cell(row.values.get, cell) for cell in cells)) for m, cells in paths.items())
    return Group(f"Published, {origin}: {row.label}" if origin else row.label, rows, "published")


def _run_group(run: Run, paths: Paths, reference: Value) -> Group:
    rows = tuple(Row(m, tuple(_cell(run.value, cell, reference) for cell in cells)) for m, cells in paths.items())
    return Group(f"{run.name} ({run.schedule})", rows)


def _ap_group(run: Run, paths: Paths, reference: Value) -> Group:
    group = _run_group(run, paths, reference)
    if not any(run.interval(path) for cell in paths["AP"] for path in cell):
        return group
    cells = tuple(tuple(Part(limits(run.interval(path))) for path in cell) for cell in paths["AP"])
    row = Row(f"AP, {_level(run)}", cells, "interval")
    return Group(group.label, (group.rows[0], row, *group.rows[1:]))


def _count_groups(runs: Sequence[Run], stream: str) -> list[Group]:
    if not runs:
        return []
    rows = []
    for what in ("items", "images"):
        counts = [runs[0].count(stream, column, what) for column in COLUMNS]
        if any(count is not None for count in counts):
            cells = tuple((Part(NOTHING if count is None else f"{count:,}"),) for count in counts)
            rows.append(Row(what, cells, "count"))
    return [Group("Validation data", tuple(rows), "count")] if rows else []


def _retrieval_group(run: Run, paths: Paths, reference: Value) -> Group:
    """The run's accuracies, with their intervals below where they were computed."""
    group = _run_group(run, paths, reference)
    (cells,) = paths.values()
    limited = tuple(tuple(Part(limits(run.interval(path))) for path in cell) for cell in cells)
    if all(part.text == NOTHING for cell in limited for part in cell):
        return group
    return Group(group.label, (*group.rows, Row(_level(run), limited, "interval")))


def _query_groups(runs: Sequence[Run], stream: str) -> list[Group]:
    counts = [runs[0].value(f"{stream}/{column}/queries") for column in COLUMNS] if runs else []
    if all(count is None for count in counts):
        return []
    texts = [NOTHING if count is None else f"{count:,.0f}" for count in (*counts, counts[-1], counts[-1])]
    return [Group("Validation queries", (Row("", tuple((Part(text),) for text in texts), "count"),), "count")]


def _first_of(published: Sequence[Published]) -> Value:
    """The published number of a path: on the released data where it was published, on the full data otherwise."""
    return lambda path: next((row.values[path] for row in published if path in row.values), None)


def _variant_of(run: Run, published: Sequence[Published]) -> Value:
    """The published numbers of the variant that a run's name ends in."""
    own = variant_of(run.name, published)
    return own.values.get if own else lambda _: None


def _level(run: Run) -> str:
    return f"{run.protocol.get('bootstrap', {}).get('level', 0.95):.0%}"
