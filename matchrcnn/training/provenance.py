"""Where and when a training ran: kept beside the checkpoints, never in an output."""

import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.files import read_json, write_json
from matchrcnn.git import git


@dataclass(frozen=True)
class Provenance:
    """What produced a model, and on what.

    Attributes:
        model: SHA-256 of the weights, so that a report shows this only beside the model that it speaks of.
        wall_s: seconds, all sittings of a resumed training together.
    """

    model: str
    commit: str
    dirty: bool
    started: str
    wall_s: float
    hardware: str
    versions: dict[str, str]


def record(path: Path, model: str, started: float, wall_s: float) -> None:
    """Write the provenance of a model that was trained here and now."""
    import torch

    commit, dirty = git_state()
    value = Provenance(
        model=model,
        commit=commit,
        dirty=dirty,
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        wall_s=wall_s,
        hardware=hardware(),
        versions={"python": platform.python_version(), "torch": torch.__version__},
    )
    write_json(path, asdict(value), indent=True)


def load(path: Path) -> Provenance | None:
    """The provenance at a path; None where nothing was recorded on this machine."""
    return Provenance(**read_json(path)) if path.is_file() else None


def git_state() -> tuple[str, bool]:
    """The commit that is checked out and whether files differ from it; ("unknown", False) outside a repository."""
    try:
        commit = git(Path(), "rev-parse", "HEAD")
    except UserError:
        commit = None
    if commit is None:
        return "unknown", False
    return commit.decode().strip(), bool(git(Path(), "status", "--porcelain", "--untracked-files=no"))


def hardware() -> str:
    """Processor or GPUs, in words."""
    import torch  # here and above: what only reads or compares does not wait for it

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"
