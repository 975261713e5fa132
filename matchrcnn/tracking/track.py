"""Bring MLflow up to date with a project: the use case of `tools.track` and of the report's stage."""

from collections.abc import Iterable

from matchrcnn.project import Project, Run
from matchrcnn.reporting.check import check_runs
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.tracking.pictures import gallery_pictures
from matchrcnn.tracking.store import tracking_uri
from matchrcnn.tracking.sync import Picture, sync

PATIENCE_S = 60.0
"""Seconds that a stage of the pipeline gives a slow server; what is missing then is caught up with later."""


def track(project: Project, patience: float | None = None, models: bool = False) -> bool:
    """Bring MLflow up to date with every trained run of a project.

    Args:
        project: its files are the truth.
        patience: seconds after which the rest is left to another time; None waits for all of it.
        models: whether models of runs that reach their thresholds are registered.

    Returns:
        Whether MLflow is up to date.
    """
    trained = [run for run in project.runs if run.trained]
    pages = (project.benchmarks, project.page)
    galleries = Galleries(project)

    def pictures(run: Run) -> Iterable[Picture]:
        return gallery_pictures(galleries, run)

    return sync(trained, tracking_uri(project.home), pages, patience, pictures, lambda run: models and _passes(run))


def _passes(run: Run) -> bool:
    """Whether params.yaml states thresholds for a run, and it reaches them."""
    checks = check_runs([run], run.project.params.check) if run.evaluated else []
    return bool(checks) and all(check.passed for check in checks)
