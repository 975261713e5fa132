"""Sections of the page: one for each task, with one for each of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from matchrcnn.project import Project, Run
from matchrcnn.reporting.charts.geometry import DotChart, LineChart
from matchrcnn.reporting.charts.runs import (
    accuracy_chart,
    category_charts,
    loss_charts,
    precision_recall_charts,
    subset_charts,
)
from matchrcnn.reporting.gallery.detections import Gallery
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.gallery.retrieval import RetrievalGallery
from matchrcnn.reporting.pages.benchmarks import PUBLISHED_APART
from matchrcnn.reporting.pages.errors import EXPLAINED, Diagnosis, diagnoses
from matchrcnn.reporting.pages.provenance import Change, origin, run_changes
from matchrcnn.reporting.published import best_known, compared
from matchrcnn.reporting.tables.benchmark import best_run, category_table, published_tables, task_tables
from matchrcnn.reporting.tables.landmarks import RULE, LandmarkRow, landmark_rows
from matchrcnn.reporting.tables.table import Table, number
from matchrcnn.reporting.titles import TEXTS, metric_name
from matchrcnn.tasks import LANDMARKS, TASKS, Task

OPEN = 2
"""Runs of a task up to which all of them are unfolded; of more, the best one."""

DRAWN_LANDMARKS = (
    "The landmarks of an item's own category are drawn with their outline; a ring is an occluded landmark."
)


@dataclass(frozen=True)
class RunSection:
    """The charts, pictures and origin of one run."""

    run: Run
    open: bool
    summary: str
    scores: list[DotChart]
    curves: list[LineChart]
    losses: list[LineChart]
    diagnoses: list[Diagnosis]
    landmarks: list[LandmarkRow]
    gallery: Gallery | None
    retrieved: RetrievalGallery | None
    gallery_note: str
    origin: list[tuple[str, str]]
    changes: list[Change] | None
    errors_explained: str = EXPLAINED
    landmark_rule: str = RULE


@dataclass(frozen=True)
class TaskSection:
    """All that the page shows of one task.

    Attributes:
        apart: tables of published results that the runs are not compared with; empty where they are.
    """

    task: str
    title: str
    about: str
    tables: list[Table]
    categories: Table | None
    charts: list[LineChart]
    runs: list[RunSection]
    note: str
    apart: list[Table]
    apart_title: str = PUBLISHED_APART


def task_sections(project: Project, runs: Sequence[Run]) -> list[TaskSection]:
    """A section for each task that has runs."""
    galleries = Galleries(project)
    sections = []
    for task in TASKS.values():
        if own := [run for run in runs if run.task is task]:
            best = best_run(task, own)
            unfolded = own if len(own) <= OPEN or best is None else [best]
            sections.append(_section(task, own, [_run_section(run, run in unfolded, galleries) for run in own]))
    return sections


def _section(task: Task, runs: list[Run], parts: list[RunSection]) -> TaskSection:
    return TaskSection(
        task=task.name,
        title=TEXTS[task].title,
        about=TEXTS[task].about,
        tables=task_tables(task, runs),
        categories=category_table(task, runs) if task.by_category else None,
        charts=[] if task.by_category else [accuracy_chart(task, key, runs) for key in task.keys],
        runs=parts,
        note=best_known(task),
        apart=[] if compared(runs) else published_tables(task),
    )


def _run_section(run: Run, unfolded: bool, galleries: Galleries) -> RunSection:
    path, preset = run.task.headline_path, run.project.preset_params
    count = run.project.params.report.gallery_images
    return RunSection(
        run=run,
        open=unfolded,
        summary=f"{metric_name(path)} {number(run.value(path))}",
        scores=subset_charts(run) + category_charts(run),
        curves=precision_recall_charts(run),
        losses=loss_charts(run),
        diagnoses=diagnoses(run),
        landmarks=landmark_rows(run),
        gallery=galleries.detected(run, count),
        retrieved=galleries.retrieved(run, max(3, count // 2)),
        gallery_note=DRAWN_LANDMARKS if run.task.judged_by is LANDMARKS else "",
        origin=origin(run),
        changes=run_changes(preset, run) if preset else None,
    )
