"""Types of arguments that argparse does not have, and checks of what they name.

The checks import neither torch nor numba: a mistyped name is answered at once.
"""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from matchrcnn.errors import UserError

Commands = argparse._SubParsersAction
"""What a command is added to."""


def resamples(text: str) -> int:
    """A number of resamples."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number}: a number of resamples is expected, 0 for none")
    return number


def count(text: str) -> int:
    """Return a positive integer."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a positive integer")
    return int(text)


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to 1")
    return value


def close_to(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean NAME?" for the most similar of some names, "" where none is similar."""
    found = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def existing(*paths: Path | None) -> None:
    """Check that files or folders exist; None stands for an argument that was not given.

    Raises:
        UserError: one does not; names a similar one in the same folder.
    """
    for path in paths:
        if path is not None and not path.exists():
            beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            raise UserError(f"{path}: no such file or folder{close_to(path.name, beside)}")


def trained_run(named: Path) -> Path:
    """Return the folder of a trained run from a path or from its name in models/.

    Raises:
        UserError: there is no such run; says which there are.
    """
    from matchrcnn.project import WEIGHTS, Project

    models = Project().models
    for folder in (named, models / named):
        if (folder / WEIGHTS).is_file():
            return folder
    names = [path.parent.name for path in sorted(models.glob(f"*/{WEIGHTS}"))]
    known = f"runs in {models}: {', '.join(names)}" if names else f"no trained run in {models}"
    raise UserError(f"{named}: no {WEIGHTS}; name a trained run{close_to(named.name, names)} ({known})")


def trained_runs(named: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders of the runs that were named; with none named, check that models/ has any.

    Raises:
        UserError: there is no such run.
    """
    from matchrcnn.project import WEIGHTS, Project

    models = Project().models
    if not named and not any(models.glob(f"*/{WEIGHTS}")):
        raise UserError(f"{models}: no trained run in it; train one (`dvc repro`), or name one with --run")
    return tuple(map(trained_run, named))
