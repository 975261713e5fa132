"""Train a run: `python -m stages.train RUN`, or under torchrun. An interrupted training resumes where it stopped."""

from matchrcnn.project import Project
from matchrcnn.tracking.stream import TrainingTracker
from matchrcnn.training.run import train_run
from stages import argument, run


def main() -> None:
    """Train on as many processes as `hardware` has."""
    project = Project()
    train_run(project, argument("run", "a run of params.yaml"), project.params.hardware, [TrainingTracker()])


if __name__ == "__main__":
    run(main)
