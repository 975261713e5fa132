"""reports/benchmarks.md and reports/index.html, written from the same data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matchrcnn.config import Params
from matchrcnn.files import write_text
from matchrcnn.reporting.benchmarks import SAMPLE_WARNING, benchmarks_markdown, metric_name, protocol_lines, task_tables
from matchrcnn.reporting.data_tables import data_tables, defect_lists, load_reports
from matchrcnn.reporting.gallery import Gallery, Truth, build_gallery, load_truth
from matchrcnn.reporting.plots import (
    DotChart,
    LineChart,
    category_charts,
    loss_charts,
    precision_recall_charts,
    subset_charts,
    top_k_chart,
)
from matchrcnn.reporting.published import best_known, headline_published
from matchrcnn.reporting.retrieval_gallery import RetrievalGallery, build_retrieval_gallery
from matchrcnn.reporting.runs import STREAMS, Interval, Run, find_runs
from matchrcnn.reporting.table import NOTHING, Table, number
from matchrcnn.reporting.tables import TASK_TITLES, category_table, glance_table, headline

AnyGallery = Gallery | RetrievalGallery


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


@dataclass(frozen=True)
class RunSection:
    """The charts and pictures of one run."""

    run: Run
    scores: list[DotChart]
    curves: list[LineChart]
    losses: list[LineChart]
    gallery: AnyGallery | None


@dataclass(frozen=True)
class TaskSection:
    """All that the page shows of one task."""

    task: str
    title: str
    tables: list[Table]
    categories: Table | None
    charts: list[LineChart]
    runs: list[RunSection]
    note: str


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
        "sections": _sections(params, runs, folder),
        "data": data_tables(data),
        "defects": defect_lists(data),
        "runs": runs,
        "changes": None if preset is None else changes(preset, params),
        "made": made,
    }
    return _environment().get_template("page.html.jinja").render(values)


def changes(preset: Params, active: Params) -> list[tuple[str, str, str]]:
    """What the active parameters change in their preset: (key, preset's value, active value) in order of the keys."""
    before, after = _flat(preset.model_dump(mode="json")), _flat(active.model_dump(mode="json"))
    return [
        (key, before.get(key, NOTHING), after.get(key, NOTHING))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


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
    )


def _sections(params: Params, runs: Sequence[Run], folder: Path) -> list[TaskSection]:
    annotations = folder / "data" / "coco" / "validation.json"
    images = folder / params.data.root / "validation" / "image"
    truth = load_truth(annotations) if annotations.exists() else None
    sections = []
    for task, title in TASK_TITLES.items():
        own = [run for run in runs if run.task == task]
        galleries = [_gallery(run, truth, annotations, images, params) for run in own]
        if own:
            sections.append(_section(task, title, own, galleries))
    return sections


def _gallery(run: Run, truth: Truth | None, annotations: Path, images: Path, params: Params) -> AnyGallery | None:
    count = params.report.gallery_images
    if run.task == "retrieval":
        return build_retrieval_gallery(run, annotations, images, max(3, count // 3), params.seed)
    return build_gallery(run, truth, images, count, params.seed) if truth else None


def _section(task: str, title: str, runs: list[Run], galleries: Sequence[AnyGallery | None]) -> TaskSection:
    retrieval = task == "retrieval"
    return TaskSection(
        task=task,
        title=title,
        tables=task_tables(task, runs),
        categories=None if retrieval else category_table(task, runs),
        charts=[top_k_chart(runs, stream) for stream in STREAMS[task]] if retrieval else [],
        runs=[_run_section(run, gallery) for run, gallery in zip(runs, galleries, strict=True)],
        note=best_known(task),
    )


def _run_section(run: Run, gallery: AnyGallery | None) -> RunSection:
    scores = subset_charts(run) + category_charts(run)
    return RunSection(run, scores, precision_recall_charts(run), loss_charts(run), gallery)


def _environment() -> Environment:
    """Templates with every value escaped; a name that is missing is an error."""
    loader = PackageLoader("matchrcnn.reporting")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "words": lambda text: text.replace("_", " "), "duration": _duration}
    environment.globals["asset"] = lambda name: Markup(loader.get_source(environment, name)[0])
    return environment


def _duration(seconds: float) -> str:
    """Seconds in words: 6 min 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
