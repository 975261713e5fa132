"""reports/benchmarks.md and reports/index.html, written from the same data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matchrcnn.config import Params
from matchrcnn.files import write_text
from matchrcnn.reporting.pages.benchmarks import SAMPLE_WARNING, benchmarks_markdown, metric_name, protocol_lines
from matchrcnn.reporting.pages.pictures import data_uri
from matchrcnn.reporting.pages.provenance import changes, origin
from matchrcnn.reporting.pages.sections import task_sections
from matchrcnn.reporting.published import headline_published
from matchrcnn.reporting.runs import Interval, Run, find_runs
from matchrcnn.reporting.tables.benchmark import TASK_TITLES, glance_table, headline
from matchrcnn.reporting.tables.data import data_tables, defect_lists, load_reports
from matchrcnn.reporting.tables.table import number


@dataclass(frozen=True)
class Card:
    """A task's headline: its best run's number beside the published one; no run: no value."""

    task: str
    title: str
    metric: str
    run: str
    value: float | None
    interval: Interval | None
    published: float
    others: str


def write_report(
    params: Params, preset: Params | None, sample: bool, made: Mapping[str, str], folder: Path = Path()
) -> tuple[Path, Path]:
    """Write reports/benchmarks.md, a function of the runs alone, and reports/index.html, which also says what made it.

    Args:
        params: the active parameters: the runs, in order, and where the images lie.
        preset: the preset that `params` started from, for what was changed since; None where it is not at hand.
        sample: whether the data set is the project's own sample.
        made: what the page's footer says of its making, such as commit and hardware.
        folder: the pipeline's folder.

    Returns:
        The two paths.

    Raises:
        UserError: a run has no metrics yet, or a file is not what its stage writes.
    """
    runs = find_runs(folder, params.runs)
    markdown, page = folder / "reports" / "benchmarks.md", folder / "reports" / "index.html"
    write_text(markdown, benchmarks_markdown(runs, sample))
    write_text(page, _page(params, preset, sample, made, runs, folder))
    return markdown, page


def _page(
    params: Params, preset: Params | None, sample: bool, made: Mapping[str, str], runs: Sequence[Run], folder: Path
) -> str:
    data = load_reports(folder / "reports" / "data")
    values = {
        "sample_warning": SAMPLE_WARNING if sample else "",
        "preset": params.preset,
        "cards": [_card(task, runs) for task in TASK_TITLES],
        "glance": glance_table(runs),
        "protocol": protocol_lines(runs),
        "sections": task_sections(params, preset, runs, folder),
        "data": data_tables(data),
        "defects": defect_lists(data),
        "provenance": [(run.name, origin(run)) for run in runs],
        "changes": None if preset is None else changes(preset, params),
        "made": made,
    }
    return environment().get_template("page.html.jinja").render(values)


def _card(task: str, runs: Sequence[Run]) -> Card:
    path, published = headline_published(task)
    best = headline(task, runs)
    run = best[0] if best else None
    return Card(
        task=task,
        title=TASK_TITLES[task],
        metric=metric_name(path),
        run=run.name if run else "",
        value=run.value(path) if run else None,
        interval=run.interval(path) if run else None,
        published=published,
        others=_others(run, path) if run else "",
    )


def _others(run: Run, path: str) -> str:
    """The numbers that stand beside a headline: AP50 and AP75, or top-1."""
    cell, _, metric = path.rpartition("/")
    found = {
        name: run.value(f"{cell}/{key}")
        for key, name in (("top1", "top-1"), ("AP50", "AP50"), ("AP75", "AP75"))
        if key != metric
    }
    return " \N{MIDDLE DOT} ".join(f"{name} {value:.3f}" for name, value in found.items() if value is not None)


def _breakable(name: str) -> Markup:
    """A name that a narrow column may break after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def environment() -> Environment:
    """Templates with every value escaped; a name that is missing is an error."""
    loader = PackageLoader("matchrcnn.reporting.pages")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "words": lambda text: text.replace("_", " "), "breakable": _breakable}
    environment.filters["data_uri"] = data_uri
    environment.globals["asset"] = lambda name: Markup(loader.get_source(environment, name)[0])
    return environment
