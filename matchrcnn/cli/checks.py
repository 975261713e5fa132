"""Checks of the names and paths that a command was given, before it imports torch or numba.

A mistyped name costs a tenth of a second, not the ten that the imports of a prediction take.
"""

import argparse
import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.tasks import TASKS


def check(arguments: argparse.Namespace) -> None:
    """Check what a command was given, and replace the names of runs by their folders.

    Raises:
        UserError: a file, folder or run does not exist; says which was meant.
    """
    if arguments.command in _CHECKS:
        _CHECKS[arguments.command](arguments)


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
            raise _absent(path, "file or folder")


def existing_folder(path: Path | None) -> None:
    """Check that a folder exists; None stands for an argument that was not given.

    Raises:
        UserError: it does not; names a similar one beside it.
    """
    if path is not None and not path.is_dir():
        raise _absent(path, "folder")


def existing_file(*paths: Path | None) -> None:
    """Check that files exist, as `existing` does, and that they are files.

    Raises:
        UserError: one does not exist, is a folder, or is a pipe or a device, which cannot be read twice.
    """
    existing(*paths)
    for path in paths:
        if path is not None and not path.is_file():
            kind = "folder" if path.is_dir() else "pipe or device"
            raise UserError(f"{path}: is a {kind}; a file is expected")


def outputs(*paths: Path | None, inputs: Sequence[Path | None] = ()) -> None:
    """Check that files can be written without the loss of another one; None stands for an argument not given.

    Raises:
        UserError: one is a folder, is read by the same command, or is given twice.
    """
    from matchrcnn.files import refuse_as_output

    read = {path.resolve() for path in inputs if path is not None}
    written: set[Path] = set()
    for path in paths:
        if path is None:
            continue
        refuse_as_output(path)
        if path.resolve() in read:
            raise UserError(f"{path}: is read by this command; give another file to write")
        if path.resolve() in written:
            raise UserError(f"{path}: is to be written twice; give another file")
        if path.is_file() or not path.exists():
            written.add(path.resolve())


def _absent(path: Path, kind: str) -> UserError:
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    return UserError(f"{path}: no such {kind}{close_to(path.name, beside)}")


def trained_run(named: Path) -> Path:
    """Return the folder of a trained run from a path or from its name in models/.

    Raises:
        UserError: there is no such run; says which there are.
    """
    from matchrcnn.project import WEIGHTS, Project, trained_in

    models = Project().models
    for folder in (named, models / named):
        if (folder / WEIGHTS).is_file():
            return folder
    runs = [run.name for run in trained_in(models)]
    known = f"runs in {models}: {', '.join(runs)}" if runs else f"no trained run in {models}"
    raise UserError(f"{named}: no {WEIGHTS}; name a trained run{close_to(named.name, runs)} ({known})")


def named_runs(named: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders of the runs that were named; with none named, check that models/ has any.

    Raises:
        UserError: there is no such run.
    """
    from matchrcnn.project import Project, trained_runs

    if not named:
        trained_runs(Project().models)
    return tuple(map(trained_run, named))


def _inputs(inputs: Sequence[Path], output: Path) -> None:
    """Check that there is a picture to look at: one that exists, or a folder with some."""
    from matchrcnn.inference.photos.sources import sources_of

    sources, problems = sources_of(inputs, output)
    absent = [source.path for source in sources if not source.path.exists()]
    if len(absent) == len(sources):
        existing(*absent)
        raise UserError("; ".join(problems))


def _predict(arguments: argparse.Namespace) -> None:
    _inputs(arguments.inputs, arguments.output)
    existing_folder(arguments.gallery)
    arguments.runs = named_runs(arguments.runs)


def _search(arguments: argparse.Namespace) -> None:
    existing(arguments.photo)
    existing_folder(arguments.gallery)
    chosen = named_runs([arguments.model] if arguments.model else [])
    arguments.model = chosen[0] if chosen else None


def _export_onnx(arguments: argparse.Namespace) -> None:
    arguments.folder = trained_run(arguments.folder)
    existing(*arguments.check)


def _evaluate(arguments: argparse.Namespace) -> None:
    inputs = [arguments.annotations, arguments.results, arguments.query, arguments.gallery]
    existing_file(*inputs)
    outputs(arguments.output, inputs=inputs)
    official = [f"--{name}" for name in ("query", "gallery") if getattr(arguments, name)]
    if TASKS[arguments.task].by_category:
        if official:
            raise UserError(f"{official[0]}: is for --task retrieval; leave it out")
    elif official and arguments.annotations:
        raise UserError(f"{official[0]}: cannot be given with --annotations, which has the same items; leave one out")
    elif arguments.subsets:
        raise UserError("--subsets: retrieval has one rule for its subsets (docs/retrieval.md); leave it out")


def _convert(arguments: argparse.Namespace) -> None:
    outputs(arguments.output, arguments.report)


def _export(arguments: argparse.Namespace) -> None:
    outputs(arguments.output, inputs=[arguments.file])


def _compare(arguments: argparse.Namespace) -> None:
    outputs(arguments.output, arguments.html)
    if len(arguments.versions) < 2:
        raise UserError("name two versions or more; the others are compared with the first")
    for name in arguments.versions:
        _version(name)


def _version(name: str) -> None:
    """Check that a version is a folder, a revision or an experiment, or one run of it."""
    from matchrcnn.project import Project
    from matchrcnn.reporting.compare.revisions import find_commit

    whole, _, run = name.rpartition(":")
    if Path(name).exists() or find_commit(name):
        return
    runs = Project(Path(whole)).evaluated if whole else {}
    if runs and run not in runs:
        raise UserError(f"{name}: no run {run!r} there{close_to(run, runs)} (runs: {', '.join(runs)})")
    if not whole or not (Path(whole).exists() or find_commit(whole)):
        raise UserError(
            f"{name}: neither a folder with reports nor a git revision nor a DVC experiment of this project; "
            "`dvc exp list` names the experiments"
        )


_CHECKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "predict": _predict,
    "search": _search,
    "export-onnx": _export_onnx,
    "convert": _convert,
    "export": _export,
    "evaluate": _evaluate,
    "compare": _compare,
}
