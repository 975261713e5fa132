"""Bring MLflow up to date with the files of all trained runs: `python -m tools.track`, as often as you like.

Models of runs that reach the thresholds of params.yaml go into the registry.
"""

import sys

from matchrcnn.project import Project
from matchrcnn.tracking.store import shown_uri, tracking_uri
from matchrcnn.tracking.track import track
from stages import run


def main() -> None:
    """Track every run of params.yaml."""
    project = Project()
    if not track(project, models=True):
        sys.exit(1)
    print(f"MLflow is up to date: {shown_uri(tracking_uri(project.home))}")


if __name__ == "__main__":
    run(main)
