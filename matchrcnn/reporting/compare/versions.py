"""A version: runs with their numbers and parameters, from a folder or from a commit."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.project import METRICS, PARAMS, RESAMPLES, Project, Report, reports_in
from matchrcnn.reporting.compare.parameters import Flat, of_run, read_params
from matchrcnn.reporting.compare.revisions import fetch_output, find_commit, unpack


@dataclass(frozen=True, eq=False)
class Version:
    """Runs by their names, and the parameters that made them.

    Attributes:
        label: as the user named it.
        params: empty where there is no params.yaml next to the reports.
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
        UserError: a name is none of these, or there is no such run.
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
    for root, reports in ((folder, Project(folder).reports), (folder.parent, folder)):
        if found := reports_in(reports):
            return _version(name, found, root)
    return None


def _from_commit(name: str, project: Path, stack: ExitStack) -> Version | None:
    commit = find_commit(name, project)
    if commit is None:
        return None
    then = Project(Path(stack.enter_context(tempfile.TemporaryDirectory())))
    unpack(commit, (then.reports.name, PARAMS), project, then.root)
    reports = {run: _fetching(report, commit, then, project) for run, report in then.evaluated.items()}
    if not reports:
        missing = f"commit {commit[:8]} holds no {then.reports.name}/RUN/{METRICS}"
        raise UserError(f"{name}: {missing}; commit {then.reports.name}/ together with dvc.lock")
    label = commit[:8] if commit.startswith(name) else f"{name} ({commit[:8]})"
    return _version(label, reports, then.root)


def _version(label: str, reports: dict[str, Report], root: Path) -> Version:
    """All runs of a project, in the order of its parameters."""
    params = read_params(root / PARAMS)
    order = [key.split(".")[1] for key in params if key.startswith("runs.")]
    names = dict.fromkeys([*(name for name in order if name in reports), *reports])
    return Version(label, {name: reports[name] for name in names}, params)


def _fetching(report: Report, commit: str, then: Project, project: Path) -> Report:
    target = report.reports / RESAMPLES
    path = target.relative_to(then.root).as_posix()
    return replace(report, fetch=lambda: fetch_output(commit, path, project, target))


def _only(version: Version, run: str, name: str) -> Version:
    if run not in version.reports:
        raise UserError(f"{name}: there is no run {run!r}; runs: {', '.join(version.reports)}")
    return Version(name, {run: version.reports[run]}, of_run(version.params, run), single=True)
