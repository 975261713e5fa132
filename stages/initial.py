"""Prepare what trainings start from: `python -m stages.initial` writes models/initial."""

from matchrcnn.config import INITIAL
from matchrcnn.modeling.pretrained import write_initial
from matchrcnn.project import WEIGHTS, Project
from stages import run


def main() -> None:
    """Write the pretrained backbone, or no tensor at all where training starts from scratch, and print what was found.

    What of it a run loads and what it misses is printed when the run starts.
    """
    project = Project()
    print(write_initial(project.params.model.initial_weights, project.models / INITIAL / WEIGHTS))


if __name__ == "__main__":
    run(main)
