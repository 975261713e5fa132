"""Draw the sample data set into data/sample: `python -m stages.sample`."""

from matchrcnn.data.sample import write_sample
from matchrcnn.project import Project
from stages import run


def main() -> None:
    """Draw the data set that params.yaml describes."""
    project = Project()
    write_sample(project.sample, project.params.sample)


if __name__ == "__main__":
    run(main)
