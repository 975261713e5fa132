"""Where and when a training ran: kept in the work folder, never in an output."""

import os
import platform
import time
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.files import sha256, write_json
from matchrcnn.git import git
from matchrcnn.project import ProvenanceRecord, Run


def record(run: Run, started: float, wall_s: float) -> None:
    """Write the provenance of a model that was trained here and now.

    Args:
        run: its weights are written.
        started: seconds since 1970.
        wall_s: seconds, all parts of a resumed training together.
    """
    import torch

    commit, dirty = git_state(run.project.root)
    value = ProvenanceRecord(
        model=sha256(run.weights),
        commit=commit,
        dirty=dirty,
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        wall_s=wall_s,
        hardware=hardware(),
        versions={"python": platform.python_version(), "torch": torch.__version__},
    )
    write_json(run.provenance_file, value, indent=True)


def git_state(folder: Path = Path()) -> tuple[str, bool]:
    """Return the commit checked out in a folder and whether files differ from it; ("unknown", False) without git."""
    try:
        commit = git(folder, "rev-parse", "HEAD")
    except UserError:
        commit = None
    if commit is None:
        return "unknown", False
    return commit.decode().strip(), bool(git(folder, "status", "--porcelain", "--untracked-files=no"))


def hardware() -> str:
    """Name the processor or the GPUs."""
    import torch  # here and above: what only reads or compares does not wait for it

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"
