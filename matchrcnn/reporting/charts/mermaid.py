"""Charts as text that GitHub draws (Mermaid), folded: nothing is fetched, and a terminal skips a few lines."""

import math
from collections.abc import Iterator, Sequence

from matchrcnn.reporting.runs import STREAMS, Run
from matchrcnn.reporting.tables.benchmark import STREAM_TITLES
from matchrcnn.taxonomy import CATEGORY_NAMES

POINTS = 20
"""Of a curve, evenly spaced: a reader sees its course, and eight runs fit a comment."""

MARK = "<!-- plots -->"
"""Stands before the first chart; what a terminal shows ends here."""


COLORS = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#20639b, #c8601a"}}}}%%'
"""Those of the page; Mermaid's own are too pale to be read."""


def plots_markdown(runs: Sequence[Run]) -> Iterator[str]:
    """The loss of every run and the AP of its categories, each as a chart, all of them folded."""
    if charts := [chart for run in runs for chart in (_loss(run), *_categories(run)) if chart]:
        yield MARK
        yield "<details><summary>Plots: loss over the epochs, AP of each category</summary>"
        yield from charts
        yield "</details>"


def _loss(run: Run) -> str:
    """Training loss, then validation loss held between its measurements; empty where no curve was kept."""
    curves = [_curve(run, name) for name in ("total_loss", "val_total_loss")]
    training, validation = curves
    if len(training) < 2:
        return ""
    places = [training[-1][0] * (i + 1) / POINTS for i in range(POINTS)]
    lines = [_held(curve, places) for curve in (training, validation) if curve]
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
    for stream in STREAMS[run.task] if run.task != "retrieval" else ():
        values = {name: run.value(f"{stream}/category/{name}/AP") for name in CATEGORY_NAMES}
        known = {name: value for name, value in values.items() if value is not None}
        if known:
            yield _chart(
                "xychart-beta horizontal",
                f"{run.name}: AP of each category, {STREAM_TITLES[stream]}",
                f"x-axis [{', '.join(map(_short, known))}]",
                'y-axis "AP" 0 --> 1',
                f"bar [{', '.join(f'{value:.3f}' for value in known.values())}]",
            )


def _short(name: str) -> str:
    """A category short enough to stand under a bar: "long sleeve top" is LS top."""
    words = name.replace("short sleeve", "SS").replace("long sleeve", "LS")
    return f'"{words}"'


def _chart(kind: str, title: str, *lines: str) -> str:
    return "\n".join(["```mermaid", COLORS, kind, f'  title "{title}"', *(f"  {line}" for line in lines), "```"])


def _curve(run: Run, name: str) -> list[tuple[float, float]]:
    """(epoch, value) of every row that has a value; a row may say its iteration alone."""
    both = next((row for row in reversed(run.curves) if row.get("epoch") and row.get("iteration")), None)
    if both is None:
        return []
    an_iteration = float(both["epoch"]) / float(both["iteration"])
    points = [(float(row["iteration"]) * an_iteration, float(row[name])) for row in run.curves if row.get(name)]
    return [(x, y) for x, y in points if math.isfinite(y)]


def _held(curve: Sequence[tuple[float, float]], places: Sequence[float]) -> list[float]:
    """The last value at or before each place; the first one before that."""
    return [next((y for x, y in reversed(curve) if x <= place + 1e-9), curve[0][1]) for place in places]
