"""Bring MLflow up to date with the files of all trained runs: `python -m stages.track`, as often as one likes."""

from matchrcnn.config import WEIGHTS
from matchrcnn.engine import provenance
from matchrcnn.tracking import RunFiles, sync, tracking_uri
from stages import MODELS, REPORTS, params, provenance_path, run


def track(name: str) -> None:
    """Bring MLflow up to date with one run, if it is trained."""
    if (MODELS / name / WEIGHTS).is_file():
        files = RunFiles(model=MODELS / name, reports=REPORTS / name, provenance=provenance.load(provenance_path(name)))
        sync(files, pages=(REPORTS / "benchmarks.md", REPORTS / "index.html"))


def main() -> None:
    """Track every run of params.yaml."""
    for name in params().runs:
        track(name)
    print(f"MLflow is up to date: {tracking_uri()}")


if __name__ == "__main__":
    run(main)
