"""Score a run's results overall, on the 12 subsets and per category: `python -m stages.evaluate RUN`."""

from matchrcnn.evaluation.run import evaluate_run
from matchrcnn.project import Project
from stages import argument, run


def main() -> None:
    """Write the run's metrics, and the few of them that `dvc metrics show` can show on a page."""
    project = Project()
    own = project.run(argument("run", "a run of params.yaml"))
    evaluate_run(own, project.annotations("validation"), project.params.evaluation)


if __name__ == "__main__":
    run(main)
