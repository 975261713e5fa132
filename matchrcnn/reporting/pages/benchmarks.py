"""reports/benchmarks.md: the paper's tables with the runs' rows, for GitHub, a pull request and a terminal."""

from collections.abc import Iterator, Sequence

from matchrcnn.project import Run
from matchrcnn.reporting.charts.mermaid import plots_markdown
from matchrcnn.reporting.pages.errors import cost_table, definition_lines
from matchrcnn.reporting.published import best_known, headline_published
from matchrcnn.reporting.tables.benchmark import best_run, category_table, glance_table, task_tables
from matchrcnn.reporting.tables.table import limits, number, to_markdown
from matchrcnn.reporting.titles import TEXTS, metric_name
from matchrcnn.tasks import TASKS, Task

SAMPLE_WARNING = (
    "These numbers are of the sample data that this project draws itself, and of small models trained on it. "
    "They show that the pipeline works; they are not comparable with the paper's, which stand beside them for the form."
)
RULES = {
    "subset_images": "only images that hold an item of the subset count; their other items, and the detections matched "
    "to those, are ignored",
    "all_images": "all images count; items outside the subset, and the detections matched to them, are ignored",
    "whole_images": "all items of the images that hold an item of the subset count",
}


def benchmarks_markdown(runs: Sequence[Run], sample: bool) -> str:
    """The whole of benchmarks.md; the same runs give the same text."""
    parts = ["# Benchmarks", *([f"> **Sample data.** {SAMPLE_WARNING}"] if sample else [])]
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
    """One line a task: its best run by the first metric, with interval, and the published number."""
    lines = ["| task | best run | metric | value | interval | published |", "|:--|:--|:--|--:|--:|--:|"]
    for task in TASKS.values():
        if run := best_run(task, runs):
            path = task.headline_path
            cells = (run.name, metric_name(path), f"**{number(run.value(path))}**", limits(run.interval(path)))
            lines.append(f"| {TEXTS[task].title} | {' | '.join(cells)} | {number(headline_published(task))} |")
    return "\n".join(lines)


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
    for table in task_tables(task, runs):
        if table.title != TEXTS[task].title:
            yield f"### {table.title}"
        yield to_markdown(table)
        if table.note:
            yield table.note
    yield best_known(task)
    if task.by_category:
        yield f"<details><summary>{', '.join(task.measures)} of each category</summary>"
        yield to_markdown(category_table(task, runs))
        yield "</details>"
