"""A version: runs with their numbers and parameters, from a folder or from a commit."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from matchrcnn.errors import UserError
from matchrcnn.evaluation.intervals.paired import Resampled, read_resampled
from matchrcnn.files import read_json
from matchrcnn.reporting.compare.parameters import Flat, of_run, read_params
from matchrcnn.reporting.compare.revisions import fetch_output, find_commit, unpack

METRICS, RESAMPLES, PARAMS = "metrics.json", "resamples.npz", "params.yaml"


@dataclass(frozen=True, eq=False)
class Report:
    """What the evaluation of one run left in its folder of reports.

    Attributes:
        fetch: puts the resamples beside the other files where they are not there yet.
    """

    folder: Path
    fetch: Callable[[], None] = lambda: None

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The nested numbers."""
        return _mapping(self.folder / METRICS)

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """How the numbers were computed; empty where that was not written."""
        path = self.folder / "protocol.json"
        return _mapping(path) if path.exists() else {}

    @cached_property
    def resampled(self) -> dict[str, Resampled]:
        """The resamples of each stream.

        Raises:
            UserError: they are not at hand.
        """
        if not (self.folder / RESAMPLES).exists():
            self.fetch()
        return read_resampled(self.folder / RESAMPLES)


@dataclass(frozen=True, eq=False)
class Version:
    """Runs by their names, and the parameters that made them.

    Attributes:
        label: as the user named it.
        params: empty where no params.yaml lies beside the reports.
        single: whether it is one run, to be compared with another whatever their names.
    """

    label: str
    reports: dict[str, Report]
    params: Flat
    single: bool = False


@contextmanager
def opened(names: Sequence[str], project: Path = Path()) -> Iterator[list[Version]]:
    """Versions by name: a folder (project, reports or one run's report), a git revision, or a DVC experiment.

    `NAME:RUN` is one run of it.

    Raises:
        UserError: a name stands for nothing of these, or for no run.
    """
    with ExitStack() as stack:
        yield [_open(name, project, stack) for name in names]


def _open(name: str, project: Path, stack: ExitStack) -> Version:
    found = _from_folder(name) or _from_commit(name, project, stack)
    if found is None and ":" in name:
        rest, _, run = name.rpartition(":")
        whole = _from_folder(rest) or _from_commit(rest, project, stack)
        found = whole and _only(whole, run, name)
    if found is None:
        raise UserError(
            f"{name}: neither a folder with reports nor a git revision nor a DVC experiment of this project; "
            "`dvc exp list` names the experiments"
        )
    return found


def _from_folder(name: str) -> Version | None:
    """A project, its folder of reports, or the report of one run; None where there is no such thing."""
    folder = Path(name).resolve()
    if (folder / METRICS).is_file():
        params = read_params(folder.parent.parent / PARAMS)
        return Version(name, {folder.name: Report(folder)}, of_run(params, folder.name), single=True)
    for root, reports in ((folder, folder / "reports"), (folder.parent, folder)):
        if found := _reports(reports):
            return _version(name, found, root)
    return None


def _from_commit(name: str, project: Path, stack: ExitStack) -> Version | None:
    commit = find_commit(name, project)
    if commit is None:
        return None
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    unpack(commit, ("reports", PARAMS), project, folder)
    reports = {run: _fetching(report, commit, project) for run, report in _reports(folder / "reports").items()}
    if not reports:
        raise UserError(f"{name}: commit {commit[:8]} holds no reports/RUN/{METRICS}; commit reports/ beside dvc.lock")
    label = commit[:8] if commit.startswith(name) else f"{name} ({commit[:8]})"
    return _version(label, reports, folder)


def _version(label: str, reports: dict[str, Report], root: Path) -> Version:
    """All runs of a project, in the order of its parameters."""
    params = read_params(root / PARAMS)
    order = [key.split(".")[1] for key in params if key.startswith("runs.")]
    names = dict.fromkeys([*(name for name in order if name in reports), *reports])
    return Version(label, {name: reports[name] for name in names}, params)


def _fetching(report: Report, commit: str, project: Path) -> Report:
    path, target = f"reports/{report.folder.name}/{RESAMPLES}", report.folder / RESAMPLES
    return replace(report, fetch=lambda: fetch_output(commit, path, project, target))


def _only(version: Version, run: str, name: str) -> Version:
    if run not in version.reports:
        raise UserError(f"{name}: no run {run!r} there; runs: {', '.join(version.reports)}")
    return Version(name, {run: version.reports[run]}, of_run(version.params, run), single=True)


def _reports(folder: Path) -> dict[str, Report]:
    return {path.parent.name: Report(path.parent) for path in sorted(folder.glob(f"*/{METRICS}"))}


def _mapping(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: a JSON object is expected, found {type(value).__name__}; evaluate the run again")
    return value
