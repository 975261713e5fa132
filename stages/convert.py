"""Converts one split of the data set: `python -m stages.convert train`."""

from matchrcnn.data.convert import convert
from matchrcnn.project import Project
from stages import argument, run


def main() -> None:
    """Write data/coco/SPLIT.json and reports/data/SPLIT.json."""
    project, split = Project(), argument("split", "train or validation")
    name = project.params.data.name
    convert(project.original(split), project.annotations(split), project.data_report(split), name=name)


if __name__ == "__main__":
    run(main)
