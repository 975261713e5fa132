"""Digests of what a training is made from, so that a changed one never resumes from another's checkpoint."""

import hashlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from matchrcnn.config import HardwareParams
from matchrcnn.project import TrainingSummary
from matchrcnn.training.setup import TrainingSetup

CODE = ("matchrcnn.data", "matchrcnn.modeling", "matchrcnn.tasks", "matchrcnn.taxonomy", "matchrcnn.training")
LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "detectron2", "sal-detectron2")


def made_from(setup: TrainingSetup, summary: TrainingSummary, hardware: HardwareParams) -> dict[str, str]:
    """Return each part's name with its digest: a model must not be half of one and half of another.

    Pictures are known by their names and sizes: reading all of them would take longer than a start may. The number of
    threads is a part, since sums are split among threads and so rounded differently; processes, loader workers and
    device are not, and a training may resume on others.
    """
    pictures = (entries.split.images for entries in (setup.training, setup.validation))
    return {
        "parameters, annotations or initial weights": summary.digest,
        "pictures": _digest("\n".join(map(_listing, pictures))),
        "hardware.threads": str(hardware.threads),
        "code": _code(),
        "libraries": ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name))),
    }


def _listing(folder: Path) -> str:
    with os.scandir(folder) as found:
        return "\n".join(sorted(f"{entry.name} {entry.stat().st_size}" for entry in found))


def _code() -> str:
    """Return the digest of the modules that this process has loaded to train with."""
    loaded = {name: module.__file__ for name, module in sys.modules.items() if name.startswith(CODE)}
    parts = [f"{name}\n{Path(path).read_text()}" for name, path in sorted(loaded.items()) if path]
    return _digest("\n".join(parts))


def _version(name: str) -> str | None:
    if name == "torch":
        return str(torch.__version__)  # with its build, which the distribution's version lacks
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
