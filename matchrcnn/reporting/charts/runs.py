"""The charts of a run, and those that compare the runs of a task."""

import math
from collections.abc import Sequence
from dataclasses import replace

from matchrcnn.reporting.charts.geometry import (
    BOTTOM,
    LABELS,
    RIGHT,
    ROW,
    TOP,
    WIDTH,
    DotChart,
    LineChart,
    Mark,
    Point,
    Scale,
    line_chart,
)
from matchrcnn.reporting.published import published_ap, published_retrieval_subsets, published_top_k, variant_of
from matchrcnn.reporting.runs import COLUMNS, STREAMS, Interval, Run
from matchrcnn.reporting.tables.benchmark import STREAM_TITLES
from matchrcnn.taxonomy import CATEGORY_NAMES


def loss_charts(run: Run) -> list[LineChart]:
    """A chart for each training loss with its validation counterpart, the total first."""
    names = list(run.curves[0]) if run.curves else []
    losses = [name for name in names if "loss" in name and not name.startswith("val_")]
    losses.sort(key=lambda name: name != "total_loss")
    charts = []
    for name in losses:
        curves = {"training": _column(run, name), "validation": _column(run, f"val_{name}")}
        charts.append(line_chart(name.replace("_", " "), "epoch", {k: v for k, v in curves.items() if v}))
    return charts


def precision_recall_charts(run: Run) -> list[LineChart]:
    """A chart of precision over recall for each stream, at IoU .50 and .75."""
    curves: dict[str, dict[str, list[Point]]] = {}
    for row in run.precision_recall:
        if row["precision"] and float(row["precision"]) >= 0:
            point = float(row["recall"]), float(row["precision"])
            measure = "OKS" if row["stream"].startswith("landmarks") else "IoU"
            lines = curves.setdefault(row["stream"], {})
            lines.setdefault(f"{measure} {float(row['iou']):.2f}", []).append(point)
    return [
        line_chart(f"Precision over recall, {STREAM_TITLES.get(stream, stream)}", "recall", lines, 1.0)
        for stream, lines in curves.items()
    ]


def category_charts(run: Run) -> list[DotChart]:
    """AP (bars) and AP50 of each category, a chart for each stream of the run's task."""
    rows = [(name, f"category/{name}") for name in CATEGORY_NAMES]
    return [
        replace(dot_chart(f"Categories, {STREAM_TITLES[stream]}", run, stream, rows), bars=True)
        for stream in STREAMS[run.task]
        if run.has(stream) and run.task != "retrieval"
    ]


def subset_charts(run: Run) -> list[DotChart]:
    """The 12 subsets and overall beside the published numbers, a chart for each stream of the run's task."""
    rows = [(_subset_label(column), column) for column in COLUMNS]
    metrics = ("top20", None) if run.task == "retrieval" else ("AP", "AP50")
    return [
        dot_chart(f"Subsets, {STREAM_TITLES[stream]}", run, stream, rows, *metrics)
        for stream in STREAMS[run.task]
        if run.has(stream)
    ]


def top_k_chart(runs: Sequence[Run], stream: str) -> LineChart:
    """Top-k accuracy over k, a line for each run; the best published variant, where there is one, is dashed."""
    curves = {}
    for run in runs:
        points = [(float(k), run.value(f"{stream}/overall/top{k}")) for k in (1, 5, 10, 15, 20)]
        curves[run.name] = [(k, value) for k, value in points if value is not None]
    best = max(published_top_k(), key=lambda row: max(row.values.values()))
    published = [(float(path.rpartition("top")[2]), value) for path, value in best.values.items() if stream in path]
    if published:
        curves[f"published {best.label}"] = published
    return line_chart(f"Top-k accuracy, {STREAM_TITLES[stream]}", "k", curves)


def dot_chart(
    title: str,
    run: Run,
    stream: str,
    rows: Sequence[tuple[str, str]],
    metric: str = "AP",
    upper: str | None = "AP50",
) -> DotChart:
    """A metric, its interval, an upper metric and the published value of (label, column) rows of one stream."""
    published = _published(run, stream)
    scale = Scale(1.0, LABELS, WIDTH - RIGHT)
    marks = []
    for position, (label, column) in enumerate(rows):
        path = f"{stream}/{column}/{metric}"
        value, interval, other = run.value(path), run.interval(path), published.get(path)
        marks.append(
            Mark(
                label=label,
                y=TOP + ROW * (position + 0.5),
                value=scale.maybe(value),
                upper=scale.maybe(run.value(f"{stream}/{column}/{upper}")) if upper else None,
                whisker=(scale(interval[0]), scale(interval[1])) if interval else None,
                published=scale.maybe(other),
                text=_described(metric, value, interval, other),
            )
        )
    height = TOP + ROW * len(rows) + BOTTOM
    known = any(mark.published for mark in marks)
    return DotChart(title, metric.replace("top", "top-"), upper or "", scale.ticks(), tuple(marks), height, known)


def _published(run: Run, stream: str) -> dict[str, float]:
    """The published value of a path, on the released data where it was published."""
    if run.task == "retrieval":
        own = variant_of(run.name, published_retrieval_subsets(stream))
        return own.values if own else {}
    rows = published_ap(run.task, (stream,))
    return {path: value for row in reversed(rows) for path, value in row.values.items()}


def _described(metric: str, value: float | None, interval: Interval | None, published: float | None) -> str:
    if value is None:
        return "not measured"
    text = f"{metric.replace('top', 'top-')} {value:.3f}"
    text += f", interval {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return text + (f", published {published:.3f}" if published is not None else "")


def _column(run: Run, name: str) -> list[Point]:
    """Where a column was measured: (epoch, value); a row of validation alone states its iteration only."""
    known = [(float(row["iteration"]), float(row["epoch"])) for row in run.curves if row.get("epoch")]
    if not known:
        return []
    iterations, epochs = zip(*known, strict=True)
    per_iteration = epochs[-1] / iterations[-1]
    points = [(float(row["iteration"]) * per_iteration, float(row[name])) for row in run.curves if row.get(name)]
    return [(x, y) for x, y in points if math.isfinite(y)]


def _subset_label(column: str) -> str:
    attribute, _, level = column.partition("/")
    return f"{attribute.replace('_', '-')}: {level.replace('_', ' ')}" if level else attribute
