"""Other versions of a project, from the programs `git` and `dvc`; neither work tree nor index is touched."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.git import git

EXPERIMENTS = "refs/exps/"


def find_commit(name: str, project: Path = Path()) -> str | None:
    """The commit that a revision or a DVC experiment is named for; None where there is neither.

    Raises:
        UserError: several experiments have that name.
    """
    revision = git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return revision.decode().strip() if revision else _find_experiment(name, project)


def _find_experiment(name: str, project: Path) -> str | None:
    listed = (git(project, "for-each-ref", "--format=%(objectname) %(refname)", EXPERIMENTS) or b"").decode()
    refs = [line.split(" ", 1) for line in listed.splitlines()]
    commits = {commit for commit, ref in refs if ref.count("/") == 4 and ref.rsplit("/", 1)[1] == name}
    if len(commits) > 1:
        raise UserError(
            f"{name}: {len(commits)} experiments have this name; name a commit: {', '.join(sorted(commits))}"
        )
    return commits.pop() if commits else None


def merge_base(name: str, project: Path = Path()) -> str | None:
    """The commit where what is checked out left a revision; None where there is none, as in a shallow clone."""
    other = find_commit(name, project)
    found = git(project, "merge-base", "HEAD", other) if other else None
    return found.decode().strip() if found else None


def unpack(commit: str, paths: tuple[str, ...], project: Path, target: Path) -> None:
    """Write files and folders of a commit, those of `paths` that it has, under `target`."""
    listed = (git(project, "ls-tree", "--name-only", commit, "--", *paths) or b"").decode().splitlines()
    if present := [path for path in paths if path in listed]:
        archive = git(project, "archive", "--format=tar", commit, "--", *present) or b""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(target, filter="data")


def fetch_output(commit: str, path: str, project: Path, target: Path) -> None:
    """Write an output of the pipeline as it was at a commit, from DVC's cache or remote.

    Raises:
        UserError: DVC does not have it.
    """
    # of a revision DVC takes paths from the root of the repository, wherever in it the project is
    places = (git(project, "rev-parse", "--show-toplevel", "--show-prefix") or b"\n").decode().splitlines()
    whole = [places[0] or ".", f"{''.join(places[1:])}{path}"]
    command = [sys.executable, "-m", "dvc", "get", "--quiet", *whole, "--rev", commit, "--out", str(target)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if done.returncode or not target.is_file():
        raise UserError(f"{path} of {commit[:8]} is neither in DVC's cache nor in its remote (is dvc.lock committed?)")
