"""How a data set says that it is a sample drawn by this project, wherever it lies."""

from pathlib import Path

README = "README.txt"
FIRST_LINE = "Sample data set drawn by matchrcnn: no photograph, no person, nothing of DeepFashion2 itself."


def is_sample(root: Path) -> bool:
    """Whether the data set at `root` was drawn by this project, by the first line of its README.txt."""
    readme = root / README
    return readme.is_file() and readme.read_text(errors="replace").startswith(FIRST_LINE)


def data_set_name(root: Path) -> str:
    """The data set in words."""
    return "sample data" if is_sample(root) else "DeepFashion2"
