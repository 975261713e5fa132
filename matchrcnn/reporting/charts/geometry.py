"""Charts as geometry: the page's templates turn them into inline SVG that follows its colours, light and dark."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matchrcnn.project import Interval

WIDTH = 340
LEFT, RIGHT, TOP, BOTTOM = 36, 10, 8, 22
HEIGHT = 190
LABELS = 142
ROW = 21
FEW = 8
"""Points of a curve up to which each is marked."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A curve: `path` is an SVG path in pixels; `series` numbers its colour; few points are drawn one by one too."""

    label: str
    path: str
    series: int
    dashed: bool
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class LineChart:
    """Curves over two axes; `summary` says in words where each ends."""

    title: str
    summary: str
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
    """Rows of a metric (dot or bar, with its interval), an upper one (ring), the published value (diamond), 0 to 1."""

    title: str
    metric: str
    upper: str
    x_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    height: int
    published: bool
    bars: bool = False
    width: int = WIDTH
    left: int = LABELS


@dataclass(frozen=True)
class Bar:
    """A row of a bar chart: its middle and its length from the axis in pixels, and the texts next to it."""

    label: str
    y: float
    length: float
    value: str
    note: str


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars from one axis."""

    title: str
    bars: tuple[Bar, ...]
    height: int
    width: int = WIDTH
    left: int = LABELS


def line_chart(title: str, x_label: str, curves: dict[str, list[Point]], top: float | None = None) -> LineChart:
    """Curves named by their legend, dashed where they are of validation or published.

    The axes start at 0; `top` fixes the end of the y axis.
    """
    points = [point for curve in curves.values() for point in curve]
    x_end = max((x for x, _ in points), default=1) or 1
    y_end = top or max((y for _, y in points), default=1) or 1
    to_x = Scale(x_end, LEFT, WIDTH - RIGHT)
    to_y = Scale(y_end, HEIGHT - BOTTOM, TOP)
    lines = tuple(
        _line(name, [(to_x(x), to_y(y)) for x, y in curve], series)
        for series, (name, curve) in enumerate(curves.items())
    )
    ends = (f"{name} ends at {curve[-1][1]:.3g}" for name, curve in curves.items() if curve)
    return LineChart(title, ", ".join(ends), x_label, to_x.ticks(), to_y.ticks(), lines)


def bar_chart(title: str, rows: Sequence[tuple[str, float, str]]) -> BarChart:
    """Bars of (label, value, note); the longest fills the chart."""
    longest = max((value for _, value, _ in rows), default=0) or 1
    room = WIDTH - RIGHT - LABELS - 80
    bars = tuple(
        Bar(label, TOP + ROW * (place + 0.5), round(room * max(0, value) / longest, 2), f"{value:.3f}", note)
        for place, (label, value, note) in enumerate(rows)
    )
    return BarChart(title, bars, TOP + ROW * len(rows) + TOP)


@dataclass(frozen=True)
class Scale:
    """Maps 0..end to pixels."""

    end: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """Pixels of a value."""
        clipped = min(max(value, 0), self.end)
        return round(self.first + (self.last - self.first) * clipped / self.end, 2)

    def maybe(self, value: float | None) -> float | None:
        """Pixels of a value, None of None."""
        return None if value is None else self(value)

    def ticks(self) -> tuple[Tick, ...]:
        """Round numbers along the axis."""
        step = _round_step(self.end / 4)
        count = math.floor(self.end / step + 1e-9)
        return tuple(Tick(self(step * i), f"{step * i:.6g}") for i in range(count + 1))


def _round_step(step: float) -> float:
    """The smallest of 1, 2, 2.5 or 5 times a power of ten that is not below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * (1 - 1e-9))


def _line(name: str, points: Sequence[Point], series: int) -> Line:
    few = tuple(points) if len(points) <= FEW else ()
    return Line(name, _path(points), series, name.startswith(("validation", "published")), few)


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
