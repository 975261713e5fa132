"""reports/benchmarks.md: the paper's tables with the runs' rows, for GitHub, a pull request and a terminal."""

from collections.abc import Iterator, Sequence

from matchrcnn.project import Run
from matchrcnn.reporting.charts.mermaid import plots_markdown
from matchrcnn.reporting.pages.errors import cost_table, definition_lines
from matchrcnn.reporting.published import best_known, compared, headline_published, other_data
from matchrcnn.reporting.tables.benchmark import best_run, category_table, glance_table, published_tables, task_tables
from matchrcnn.reporting.tables.table import Table, escaped, limits, number, to_markdown
from matchrcnn.reporting.titles import TEXTS, metric_name
from matchrcnn.tasks import TASKS, Task

SAMPLE_WARNING = (
    "These numbers are of the sample data that this project draws itself, and of small models trained on it. "
    "They show that the pipeline works; they are not comparable with the paper's."
)
PUBLISHED_APART = "Published results on DeepFashion2; not comparable with the numbers above"
"""Heading of the published tables where the runs' data are not DeepFashion2."""
RULES = {
    "subset_images": "only images that hold an item of the subset count; their other items, and the detections matched "
    "to those, are ignored",
    "all_images": "all images count; items outside the subset, and the detections matched to them, are ignored",
    "whole_images": "all items of the images that hold an item of the subset count",
}


def benchmarks_markdown(runs: Sequence[Run], sample: bool) -> str:
    """The whole of benchmarks.md; the same runs give the same text."""
    parts = ["# Benchmarks"]
    if sample:
        parts.append(f"> **Sample data.** {SAMPLE_WARNING}")
    elif note := data_note(runs):
        parts.append(f"> **Other data.** {escaped(note)}")
    parts += [
        overview_markdown(runs),
        "### All runs, over all items",
        to_markdown(glance_table(runs)),
        *protocol_lines(runs),
        "The card of each model, with its data, its making and its limits: `reports/RUN/card.md`.",
    ]
    for task in TASKS.values():
        if own := [run for run in runs if run.task is task]:
            parts += [f"## {TEXTS[task].title}", *_task(task, own)]
    parts += _errors(runs)
    parts += plots_markdown(runs)
    return "\n\n".join(parts) + "\n"


def overview_markdown(runs: Sequence[Run]) -> str:
    """One line a task: its best run by the first metric, with interval, and of DeepFashion2 the published number."""
    beside = compared(runs)
    header = ["task", "best run", "metric", "value", "interval", *(["published"] if beside else [])]
    lines = [f"| {' | '.join(header)} |", f"|:--|:--|:--|{'--:|' * (len(header) - 3)}"]
    for task in TASKS.values():
        if run := best_run(task, runs):
            path = task.headline_path
            cells = [TEXTS[task].title, run.name, metric_name(path)]
            cells += [f"**{number(run.value(path))}**", limits(run.interval(path))]
            if beside:
                cells.append(number(None if other_data(run) else headline_published(task)))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def data_note(runs: Sequence[Run]) -> str:
    """Return why no run is compared with the published results and how to change that; empty where one is."""
    if not runs or compared(runs):
        return ""
    return (
        f"The data are {other_data(runs[0])}, not DeepFashion2: the numbers are not compared with the published ones. "
        "If they are DeepFashion2, set data.name to DeepFashion2 in params.yaml and run the pipeline again."
    )


def protocol_lines(runs: Sequence[Run]) -> list[str]:
    """How the numbers were computed, one sentence a line; where runs differ, each line names its runs."""
    lines = []
    for sentence in (_rule, _intervals, _data):
        texts = {run.name: sentence(run) for run in runs}
        for text in dict.fromkeys(filter(None, texts.values())):
            named = [name for name, own in texts.items() if own == text]
            lines.append(text if len(named) == len(runs) else f"{', '.join(named)}: {text}")
    return lines


def _rule(run: Run) -> str:
    rule = run.protocol.get("subset_rule", "not recorded")
    return f"Subset rule `{rule}`" + (f": {RULES[rule]}." if rule in RULES else ".")


def _intervals(run: Run) -> str:
    bootstrap = run.protocol.get("bootstrap") or {}
    if not run.intervals or not bootstrap.get("resamples"):
        return ""
    drawn = f"{bootstrap['resamples']:,} bootstrap resamples of the validation images, seed {bootstrap['seed']}"
    return f"Intervals: {run.level:.0%}, {drawn}."


def _data(run: Run) -> str:
    digest = f"annotations sha256 `{str(run.protocol.get('annotations', 'not recorded'))[:12]}`."
    first = next(iter(run.protocol.get("counts", {})), "")
    images, items = (run.count(first, "overall", what) for what in ("images", "items"))
    counts = "" if images is None or items is None else f"{images:,} images, {items:,} items, "
    return f"Validation data: {counts}{digest}"


def _errors(runs: Sequence[Run]) -> Iterator[str]:
    """The cost of each kind of error in each run, folded."""
    if table := cost_table(runs):
        yield "## What costs the AP"
        yield "<details><summary>Kinds of error: what AP50 would gain without each, and how many there are</summary>"
        yield to_markdown(table)
        yield table.note
        yield "\n".join(f"- {line}" for line in definition_lines(runs))
        yield "</details>"


def _task(task: Task, runs: Sequence[Run]) -> Iterator[str]:
    yield from _tables(task, task_tables(task, runs), "###")
    if compared(runs):
        yield best_known(task)
    if task.by_category:
        yield f"<details><summary>{', '.join(task.measures)} of each category</summary>"
        yield to_markdown(category_table(task, runs))
        yield "</details>"
    if not compared(runs):
        yield f"<details><summary>{PUBLISHED_APART}</summary>"
        yield from _tables(task, published_tables(task), "####")
        yield best_known(task)
        yield "</details>"


def _tables(task: Task, tables: Sequence[Table], mark: str) -> Iterator[str]:
    """Tables with their notes, each under its title where that is not the task's; `mark` is the heading's."""
    for table in tables:
        if table.title != TEXTS[task].title:
            yield f"{mark} {table.title}"
        yield to_markdown(table)
        if table.note:
            yield table.note
