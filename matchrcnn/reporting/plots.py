"""Charts as geometry: the page's templates turn them into inline SVG that follows its colours, light and dark."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matchrcnn.reporting.published import published_ap
from matchrcnn.reporting.runs import COLUMNS, STREAMS, Interval, Run
from matchrcnn.reporting.tables import STREAM_TITLES
from matchrcnn.taxonomy import CATEGORY_NAMES

WIDTH = 340
LEFT, RIGHT, TOP, BOTTOM = 36, 10, 8, 22
HEIGHT = 190
LABELS = 142
ROW = 21

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A curve: `path` is an SVG path in pixels; `series` numbers its colour."""

    label: str
    path: str
    series: int
    dashed: bool


@dataclass(frozen=True)
class LineChart:
    """Curves over two axes."""

    title: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Mark:
    """A row of a dot chart, all but the label in pixels; what was not measured is None."""

    label: str
    y: float
    value: float | None
    upper: float | None
    whisker: Interval | None
    published: float | None
    text: str


@dataclass(frozen=True)
class DotChart:
    """Rows of AP (dot, with its interval), AP50 (ring) and the published AP (diamond) on a scale from 0 to 1."""

    title: str
    x_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    height: int
    published: bool
    width: int = WIDTH
    left: int = LABELS


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
    """AP and AP50 of each category, a chart for each stream of the run's task."""
    return [
        dot_chart(
            f"Categories, {STREAM_TITLES[stream]}", run, stream, [(name, f"category/{name}") for name in CATEGORY_NAMES]
        )
        for stream in STREAMS[run.task]
        if run.has(stream) and run.task != "retrieval"
    ]


def subset_charts(run: Run) -> list[DotChart]:
    """AP and AP50 on the 12 subsets and overall beside the published AP, a chart for each stream of the run's task."""
    rows = [(_subset_label(column), column) for column in COLUMNS]
    return [
        dot_chart(f"Subsets, {STREAM_TITLES[stream]}", run, stream, rows)
        for stream in STREAMS[run.task]
        if run.has(stream) and run.task != "retrieval"
    ]


def top_k_chart(runs: Sequence[Run], stream: str) -> LineChart:
    """Top-k accuracy over k, a line for each run."""
    curves = {}
    for run in runs:
        points = [(float(k), run.value(f"{stream}/overall/top{k}")) for k in (1, 5, 10, 15, 20)]
        curves[run.name] = [(k, value) for k, value in points if value is not None]
    return line_chart(f"Top-k accuracy, {STREAM_TITLES[stream]}", "k", curves)


def line_chart(title: str, x_label: str, curves: dict[str, list[Point]], top: float | None = None) -> LineChart:
    """Curves named by their legend; `validation` is dashed. The axes start at 0; `top` fixes the end of the y axis."""
    points = [point for curve in curves.values() for point in curve]
    x_end = max((x for x, _ in points), default=1) or 1
    y_end = top or max((y for _, y in points), default=1) or 1
    to_x = _Scale(x_end, LEFT, WIDTH - RIGHT)
    to_y = _Scale(y_end, HEIGHT - BOTTOM, TOP)
    lines = tuple(
        Line(name, _path((to_x(x), to_y(y)) for x, y in curve), series, name == "validation")
        for series, (name, curve) in enumerate(curves.items())
    )
    return LineChart(title, x_label, to_x.ticks(), to_y.ticks(), lines)


def dot_chart(title: str, run: Run, stream: str, rows: Sequence[tuple[str, str]]) -> DotChart:
    """AP, its interval, AP50 and the published AP of (label, column) rows of one stream."""
    published = {
        path: value for row in reversed(published_ap(run.task, (stream,))) for path, value in row.values.items()
    }
    scale = _Scale(1.0, LABELS, WIDTH - RIGHT)
    marks = []
    for position, (label, column) in enumerate(rows):
        path = f"{stream}/{column}/AP"
        value, interval, other = run.value(path), run.interval(path), published.get(path)
        marks.append(
            Mark(
                label=label,
                y=TOP + ROW * (position + 0.5),
                value=scale.maybe(value),
                upper=scale.maybe(run.value(f"{stream}/{column}/AP50")),
                whisker=(scale(interval[0]), scale(interval[1])) if interval else None,
                published=scale.maybe(other),
                text="not measured" if value is None else f"AP {value:.3f}",
            )
        )
    height = TOP + ROW * len(rows) + BOTTOM
    return DotChart(title, scale.ticks(), tuple(marks), height, any(mark.published for mark in marks))


@dataclass(frozen=True)
class _Scale:
    """Maps 0..end to pixels."""

    end: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        clipped = min(max(value, 0), self.end)
        return round(self.first + (self.last - self.first) * clipped / self.end, 2)

    def maybe(self, value: float | None) -> float | None:
        return None if value is None else self(value)

    def ticks(self) -> tuple[Tick, ...]:
        step = _round_step(self.end / 4)
        count = math.floor(self.end / step + 1e-9)
        return tuple(Tick(self(step * i), f"{step * i:.6g}") for i in range(count + 1))


def _round_step(step: float) -> float:
    """The smallest of 1, 2, 2.5 or 5 times a power of ten that is not below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * (1 - 1e-9))


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _column(run: Run, name: str) -> list[Point]:
    """Where a column was measured: (epoch, value)."""
    points = [(float(row["epoch"]), float(row[name])) for row in run.curves if row.get(name) and row.get("epoch")]
    return [(x, y) for x, y in points if math.isfinite(y)]


def _subset_label(column: str) -> str:
    attribute, _, level = column.partition("/")
    return f"{attribute.replace('_', '-')}: {level.replace('_', ' ')}" if level else attribute
