"""What the page shows of each task and of each of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matchrcnn.config import Params
from matchrcnn.project import Project
from matchrcnn.reporting.charts.geometry import DotChart, LineChart
from matchrcnn.reporting.charts.runs import (
    category_charts,
    loss_charts,
    precision_recall_charts,
    subset_charts,
    top_k_chart,
)
from matchrcnn.reporting.gallery.detections import Gallery
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.gallery.retrieval import RetrievalGallery
from matchrcnn.reporting.pages.benchmarks import metric_name, task_tables
from matchrcnn.reporting.pages.errors import EXPLAINED, Diagnosis, diagnoses
from matchrcnn.reporting.pages.provenance import Change, origin, run_changes
from matchrcnn.reporting.published import best_known, headline_published
from matchrcnn.reporting.runs import STREAMS, Run
from matchrcnn.reporting.tables.benchmark import TASK_TITLES, category_table, headline
from matchrcnn.reporting.tables.landmarks import RULE, LandmarkRow, landmark_rows
from matchrcnn.reporting.tables.table import Table, number

ABOUT = {
    "detection": "Find each garment and name its category: AP of boxes, averaged over IoU 0.50 to 0.95.",
    "segmentation": "Outline each garment: AP of masks, averaged over IoU 0.50 to 0.95.",
    "landmarks": "Place each garment's own landmarks, 8 to 39 of 294: AP by object keypoint similarity.",
    "retrieval": "Given a garment in a customer's photo, find it among the shop's: is it among the first k?",
}
OPEN = 2
"""Runs of a task up to which all of them are unfolded; of more, the best one."""

AnyGallery = Gallery | RetrievalGallery


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
    gallery: AnyGallery | None
    origin: list[tuple[str, str]]
    changes: list[Change] | None
    errors_explained: str = EXPLAINED
    landmark_rule: str = RULE


@dataclass(frozen=True)
class TaskSection:
    """All that the page shows of one task."""

    task: str
    title: str
    about: str
    tables: list[Table]
    categories: Table | None
    charts: list[LineChart]
    runs: list[RunSection]
    note: str


def task_sections(params: Params, preset: Params | None, runs: Sequence[Run], folder: Path) -> list[TaskSection]:
    """A section for each task that has runs.

    Args:
        params: the active parameters.
        preset: what they started from; None where it is not at hand.
        runs: all runs.
        folder: the pipeline's folder.
    """
    galleries = _Galleries(params, folder)
    sections = []
    for task in TASK_TITLES:
        own = [run for run in runs if run.task == task]
        best = headline(task, own)
        unfolded = own if len(own) <= OPEN or best is None else [best[0]]
        parts = [_run_section(run, run in unfolded, galleries, preset) for run in own]
        if own:
            sections.append(_section(task, own, parts))
    return sections


class _Galleries:
    """Makes the gallery of a run; the annotations are read once."""

    def __init__(self, params: Params, folder: Path) -> None:
        self.galleries, self.count = Galleries(Project(folder, params)), params.report.gallery_images

    def of(self, run: Run) -> AnyGallery | None:
        own = self.galleries.project.run(run.name)
        return self.galleries.detected(own, self.count) or self.galleries.retrieved(own, max(3, self.count // 2))


def _section(task: str, runs: list[Run], parts: list[RunSection]) -> TaskSection:
    retrieval = task == "retrieval"
    return TaskSection(
        task=task,
        title=TASK_TITLES[task],
        about=ABOUT[task],
        tables=task_tables(task, runs),
        categories=None if retrieval else category_table(task, runs),
        charts=[top_k_chart(runs, stream) for stream in STREAMS[task]] if retrieval else [],
        runs=parts,
        note=best_known(task),
    )


def _run_section(run: Run, unfolded: bool, galleries: _Galleries, preset: Params | None) -> RunSection:
    path, _ = headline_published(run.task)
    return RunSection(
        run=run,
        open=unfolded,
        summary=f"{metric_name(path)} {number(run.value(path))}",
        scores=subset_charts(run) + category_charts(run),
        curves=precision_recall_charts(run),
        losses=loss_charts(run),
        diagnoses=diagnoses(run),
        landmarks=landmark_rows(run),
        gallery=galleries.of(run),
        origin=origin(run),
        changes=None if preset is None else run_changes(preset, run),
    )
