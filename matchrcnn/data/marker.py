"""Data sets by name: sample data of this project, DeepFashion2, others; and the terms of each."""

import re
from pathlib import Path

SAMPLE, DEEPFASHION2 = "sample data", "DeepFashion2"
"""Names of data sets that this project knows."""

README = "README.txt"
FIRST_LINE = "Sample data set drawn by matchrcnn: no photograph, no person, nothing of DeepFashion2 itself."


def is_sample(root: Path) -> bool:
    """Whether the data set at `root` was drawn by this project, by the first line of its README.txt."""
    readme = root / README
    return readme.is_file() and readme.read_text(errors="replace").startswith(FIRST_LINE)


def data_set_name(root: Path, given: str | None = None) -> str:
    """The data set at `root` in words.

    Args:
        root: its folder; one that this project drew is "sample data" whatever name is given.
        given: `data.name` of params.yaml; None: the folder's name.
    """
    return SAMPLE if is_sample(root) else given or root.resolve().name


def is_deepfashion2(name: str) -> bool:
    """Whether a data set's name is that of DeepFashion2, however it is spelled: its terms then apply."""
    return re.sub(r"[\W_]", "", name).casefold() == DEEPFASHION2.casefold()


def terms(name: str) -> str:
    """Return a sentence on the licence of a model that was trained on the data set of this name."""
    if name == SAMPLE:
        return "Trained on pictures that this project draws: nothing of DeepFashion2 is in it."
    if is_deepfashion2(name):
        return (
            "DeepFashion2 is given for non-commercial research to those who ask its authors; a model trained on it is "
            "bound by the same terms."
        )
    return f"Trained on {name}, whose own terms bind a model trained on it; this project does not know them."
