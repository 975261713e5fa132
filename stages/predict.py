"""Run a trained model over the validation split: `python -m stages.predict RUN`."""

from matchrcnn.data.split import Split
from matchrcnn.inference.split import predict_run
from matchrcnn.project import Project
from stages import argument, run


def main() -> None:
    """Write the run's results in the official formats."""
    project = Project()
    own = project.run(argument("run", "a run of params.yaml"))
    held_out = Split(project.annotations("validation"), project.images("validation"))
    predict_run(own.model, held_out, own.results, own.settings.inference, project.params.hardware)


if __name__ == "__main__":
    run(main)
