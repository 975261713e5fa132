"""Write tables, report page, model cards and the long table from what the runs left: `python -m stages.report`.

It also brings MLflow's runs up to date with them.
"""

from matchrcnn.project import Project
from matchrcnn.reporting.run import write_all
from matchrcnn.tracking.track import PATIENCE_S, track
from matchrcnn.training.provenance import git_state, hardware
from stages import run


def main() -> None:
    """Write all of them and print their paths."""
    project = Project()
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    paths = write_all(project, made)
    track(project, PATIENCE_S)
    for path in paths:
        print(path)


if __name__ == "__main__":
    run(main)
