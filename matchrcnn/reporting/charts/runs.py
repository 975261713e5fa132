"""The charts of a run, and those that compare the runs of a task."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from matchrcnn.project import Interval, Run
from matchrcnn.reporting.charts.curves import curve
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
from matchrcnn.reporting.published import (
    FULL_DATA,
    Published,
    best_released,
    comparable,
    compared,
    published_on,
    value_of,
)
from matchrcnn.reporting.titles import measure_title, score_title
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import STREAM_OF, Task
from matchrcnn.taxonomy import CATEGORY_NAMES


def loss_charts(run: Run) -> list[LineChart]:
    """A chart for each training loss with its validation counterpart, the total first."""
    names = list(run.curves[0]) if run.curves else []
    losses = [name for name in names if "loss" in name and not name.startswith("val_")]
    losses.sort(key=lambda name: name != "total_loss")
    charts = []
    for name in losses:
        curves = {"training": curve(run, name), "validation": curve(run, f"val_{name}")}
        charts.append(line_chart(name.replace("_", " "), "epoch", {k: v for k, v in curves.items() if v}))
    return charts


def precision_recall_charts(run: Run) -> list[LineChart]:
    """A chart of precision over recall for each score, at IoU (of landmarks: OKS) .50 and .75."""
    curves: dict[str, dict[str, list[Point]]] = {}
    for row in run.precision_recall:
        key = row["stream"]
        if row["precision"] and float(row["precision"]) >= 0:
            overlap = STREAM_OF[key].overlap if key in STREAM_OF else "IoU"
            line = curves.setdefault(key, {}).setdefault(f"{overlap} {float(row['iou']):.2f}", [])
            line.append((float(row["recall"]), float(row["precision"])))
    return [
        line_chart(f"Precision over recall, {score_title(key)}", "recall", lines, 1.0) for key, lines in curves.items()
    ]


def category_charts(run: Run) -> list[DotChart]:
    """AP (bars) and AP50 of each category, a chart for each score that the run's task is judged by."""
    rows = [(name, f"category/{name}") for name in CATEGORY_NAMES]
    return [
        replace(dot_chart(f"Categories, {score_title(key)}", run, key, rows), bars=True)
        for key in run.task.keys
        if run.has(key) and run.task.by_category
    ]


def subset_charts(run: Run) -> list[DotChart]:
    """The 12 subsets and overall, a chart for each score that the run's task is judged by.

    The published numbers are marked where the run's data are DeepFashion2.
    """
    rows = [(_subset_label(column), column) for column in COLUMNS]
    return [dot_chart(f"Subsets, {score_title(key)}", run, key, rows) for key in run.task.keys if run.has(key)]


def accuracy_chart(task: Task, key: str, runs: Sequence[Run]) -> LineChart:
    """Top-k accuracy over k, a line for each run; the best published variant, of DeepFashion2 alone, is dashed."""
    curves = {run.name: _accuracies(run.value, task, key) for run in runs}
    best = best_released(task)
    if compared(runs) and (known := _accuracies(best.values.get, task, key)):
        curves[f"published {best.variant}"] = known
    return line_chart(f"Top-k accuracy, {score_title(key)}", "k", curves)


def _accuracies(value: Callable[[str], float | None], task: Task, key: str) -> list[Point]:
    found = ((float(k.removeprefix("top")), value(f"{key}/overall/{k}")) for k in task.measures)
    return [(k, accuracy) for k, accuracy in found if accuracy is not None]


def dot_chart(title: str, run: Run, key: str, rows: Sequence[tuple[str, str]]) -> DotChart:
    """The task's first measure, its interval, an upper measure and the published value of (label, column) rows."""
    measure, upper = run.task.headline, _upper(run.task)
    published = _published(run)
    scale = Scale(1.0, LABELS, WIDTH - RIGHT)
    marks = []
    for position, (label, column) in enumerate(rows):
        path = f"{key}/{column}/{measure}"
        value, interval, other = run.value(path), run.interval(path), value_of(path, published)
        marks.append(
            Mark(
                label=label,
                y=TOP + ROW * (position + 0.5),
                value=scale.maybe(value),
                upper=scale.maybe(run.value(f"{key}/{column}/{upper}")) if upper else None,
                whisker=(scale(interval[0]), scale(interval[1])) if interval else None,
                published=scale.maybe(other),
                text=_described(measure, value, interval, other),
            )
        )
    height = TOP + ROW * len(rows) + BOTTOM
    known = any(mark.published for mark in marks)
    return DotChart(title, measure_title(measure), upper, scale.ticks(), tuple(marks), height, known)


def _upper(task: Task) -> str:
    """The measure that is shown above the first one, AP50 above AP; of top-20 there is none above."""
    return task.beside_headline[0] if task.by_category else ""


def _published(run: Run) -> Sequence[Published]:
    """The published results that a run's columns are compared with; of retrieval only the full data have subsets."""
    return comparable(run, None if run.task.by_category else published_on(run.task, FULL_DATA))


def _described(measure: str, value: float | None, interval: Interval | None, published: float | None) -> str:
    if value is None:
        return "not measured"
    text = f"{measure_title(measure)} {value:.3f}"
    text += f", interval {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return text + (f", published {published:.3f}" if published is not None else "")


def _subset_label(column: str) -> str:
    attribute, _, level = column.partition("/")
    return f"{attribute.replace('_', '-')}: {level.replace('_', ' ')}" if level else attribute
