"""Charts as text that GitHub draws (Mermaid), folded: nothing is fetched, and a terminal skips a few lines."""

from collections.abc import Iterator, Sequence

from matchrcnn.project import Run
from matchrcnn.reporting.charts.curves import curve
from matchrcnn.reporting.charts.geometry import Point
from matchrcnn.reporting.titles import score_title
from matchrcnn.taxonomy import CATEGORY_NAMES

POINTS = 20
"""Points of a curve, evenly spaced: a reader sees its course, and eight runs fit a comment."""

MARK = "<!-- plots -->"
"""Comes before the first chart; what a terminal shows ends here."""


COLORS = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#20639b, #c8601a"}}}}%%'
"""Colours of the page; Mermaid's own are too pale to be read."""


def plots_markdown(runs: Sequence[Run]) -> Iterator[str]:
    """The loss of every run and the AP of its categories, each as a chart, all of them folded."""
    if charts := [chart for run in runs for chart in (_loss(run), *_categories(run)) if chart]:
        yield MARK
        yield "<details><summary>Plots: loss over the epochs, AP of each category</summary>"
        yield from charts
        yield "</details>"


def _loss(run: Run) -> str:
    """Training loss, then validation loss held between its measurements; empty where no curve was kept."""
    curves = [curve(run, name) for name in ("total_loss", "val_total_loss")]
    training, validation = curves
    if len(training) < 2:
        return ""
    places = [training[-1][0] * (i + 1) / POINTS for i in range(POINTS)]
    lines = [_held(points, places) for points in curves if points]
    title = f"{run.name}: training loss{' (blue) and validation loss (orange)' if validation else ''}"
    top = max(value for line in lines for value in line)
    return _chart(
        "xychart-beta",
        title,
        f'x-axis "epoch" {places[0]:.4g} --> {places[-1]:.4g}',
        f'y-axis "loss" 0 --> {top * 1.05:.3g}',
        *(f"line [{', '.join(f'{value:.3g}' for value in line)}]" for line in lines),
    )


def _categories(run: Run) -> Iterator[str]:
    """A bar for each category; one without ground truth has none."""
    for key in run.task.keys if run.task.by_category else ():
        values = {name: run.value(f"{key}/category/{name}/AP") for name in CATEGORY_NAMES}
        known = {name: value for name, value in values.items() if value is not None}
        if known:
            yield _chart(
                "xychart-beta horizontal",
                f"{run.name}: AP of each category, {score_title(key)}",
                f"x-axis [{', '.join(map(_short, known))}]",
                'y-axis "AP" 0 --> 1',
                f"bar [{', '.join(f'{value:.3f}' for value in known.values())}]",
            )


def _short(name: str) -> str:
    """A category short enough to fit under a bar: "long sleeve top" is LS top."""
    words = name.replace("short sleeve", "SS").replace("long sleeve", "LS")
    return f'"{words}"'


def _chart(kind: str, title: str, *lines: str) -> str:
    return "\n".join(["```mermaid", COLORS, kind, f'  title "{title}"', *(f"  {line}" for line in lines), "```"])


def _held(points: Sequence[Point], places: Sequence[float]) -> list[float]:
    """The last value at or before each place; the first one before that."""
    return [next((y for x, y in reversed(points) if x <= place + 1e-9), points[0][1]) for place in places]
