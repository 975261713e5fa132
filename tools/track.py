"""Bring MLflow up to date with the files of all trained runs: `python -m tools.track`, as often as one likes.

Models of runs that reach the thresholds of params.yaml go into the registry.
"""

import sys
from pathlib import Path

from matchrcnn.config import WEIGHTS, Params
from matchrcnn.project import Project
from matchrcnn.reporting.check import check_runs
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.pages.benchmarks import metric_name
from matchrcnn.reporting.published import headline_published
from matchrcnn.reporting.runs import Interval, Run
from matchrcnn.tracking.pictures import gallery_pictures
from matchrcnn.tracking.store import shown_uri, tracking_uri
from matchrcnn.tracking.sync import RunFiles, sync
from matchrcnn.training import provenance
from stages import MODELS, REPORTS, params, provenance_path, run
from tools.origin import home, preset_run, tracking_tags

PATIENCE_S = 60.0
"""Seconds that a stage of the pipeline gives a slow server; what is missing then is caught up with later."""

RESULTS_OF = {"detection": "boxes", "segmentation": "masks", "landmarks": "landmarks", "retrieval": "retrieval"}


def track(active: Params, patience: float | None = None, models: bool = False) -> bool:
    """Bring MLflow up to date with every trained run, models that pass `check` if asked for; says whether it is."""
    trained = [name for name in active.runs if (MODELS / name / WEIGHTS).is_file()]
    pages = [REPORTS / "benchmarks.md", REPORTS / "index.html"]
    return sync((_files(active, name, models) for name in trained), tracking_uri(home()), pages, patience)


def _files(active: Params, name: str, models: bool) -> RunFiles:
    own = Run(name, active.runs[name].task, active.runs[name].schedule, Path())
    results = own.results(RESULTS_OF[own.task])
    project = Project(given=active)
    return RunFiles(
        model=MODELS / name,
        reports=REPORTS / name,
        provenance=provenance.load(provenance_path(name)),
        base=preset_run(active, name),
        tags=tuple(tracking_tags(active, name).items()),
        headline=_headline(own),
        results=results,
        pictures=lambda: gallery_pictures(Galleries(project), project.run(name)),
        register=models and _passes(active, own),
    )


def _passes(active: Params, own: Run) -> bool:
    """Whether params.yaml states thresholds for a run, and it reaches them."""
    checks = check_runs([own], active.check) if (own.reports / "metrics.json").is_file() else []
    return bool(checks) and all(check.passed for check in checks)


def _headline(own: Run) -> tuple[str, float, Interval | None] | None:
    """The run's first number; None before it is evaluated."""
    path, _ = headline_published(own.task)
    value = own.value(path) if (own.reports / "metrics.json").is_file() else None
    return None if value is None else (metric_name(path), value, own.interval(path))


def main() -> None:
    """Track every run of params.yaml."""
    if not track(params(), models=True):
        sys.exit(1)
    print(f"MLflow is up to date: {shown_uri(tracking_uri(home()))}")


if __name__ == "__main__":
    run(main)
