"""Converts one split of the data set: `python -m stages.convert train`."""

from matchrcnn.data.convert import convert
from stages import ANNOTATIONS, REPORTS, argument, params, run


def main() -> None:
    """Write data/coco/SPLIT.json and reports/data/SPLIT.json."""
    name = argument("split", "train or validation")
    convert(params().data.root / name, ANNOTATIONS / f"{name}.json", REPORTS / "data" / f"{name}.json")


if __name__ == "__main__":
    run(main)
