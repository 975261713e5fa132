"""Training checkpoints: written whole, checked when read, keyed by what the training is made from."""

import hashlib
import io
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import torch

from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write, read_json, remove_leftovers, write_json

KEEP = 2
"""Checkpoints of a training: the newest, and the one before it in case that one is damaged."""

KEEP_OTHERS = 1
"""Unfinished trainings of the same run that are kept: what was changed can be changed back."""

MADE_FROM = "made_from.json"
DIGEST_BYTES = hashlib.sha256().digest_size


class Checkpoints:
    """The checkpoints of one training, in a folder named by the digest of all that it is made from.

    A changed training has another folder and so never resumes from this one. A file is its payload's SHA-256, then the
    payload, so that a damaged one is recognised and the one before it is used.
    """

    def __init__(self, folder: Path, made_from: Mapping[str, str]) -> None:
        """Args: the run's folder; made_from: named digests, listed when a checkpoint does not match."""
        self.made_from = dict(made_from)
        key = hashlib.sha256(orjson.dumps(self.made_from, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        self.folder = folder / key

    def tidy(self) -> None:
        """Remove what killed writers left, and all unfinished trainings of this run but this and the latest other one.

        Where this training has no checkpoint, report which other one has, and in what it differs.
        """
        remove_leftovers(self.folder)
        others = [path for path in self.folder.parent.glob("*/") if path != self.folder]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for old in others[KEEP_OTHERS:]:
            shutil.rmtree(old, ignore_errors=True)
        if not self._newest_first():
            for other in others[:KEEP_OTHERS]:
                self._say_what_differs(other)

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Write the state after `iteration` iterations and drop all but the newest two.

        Raises:
            UserError: the disk is full; the checkpoints before are kept.
        """
        if not (self.folder / MADE_FROM).is_file():
            write_json(self.folder / MADE_FROM, self.made_from, indent=True)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        payload = buffer.getbuffer()
        with atomic_write(self.folder / f"{iteration:09d}.pt") as file:
            file.write(hashlib.sha256(payload).digest())
            file.write(payload)
        for old in self._newest_first()[KEEP:]:
            old.unlink()

    def latest(self) -> tuple[int, dict[str, Any]] | None:
        """Return iterations done and state of the newest checkpoint that is whole; report damaged ones on stderr."""
        paths = self._newest_first()
        for number, path in enumerate(paths, 1):
            state = _read(path)
            if state is not None:
                return int(path.stem), state
            then = "the one before it is used" if number < len(paths) else "no checkpoint left; starting from scratch"
            print(f"checkpoint {path} is damaged: {then}", file=sys.stderr)
        return None

    def clear(self) -> None:
        """Remove the folder: a training whose outputs are written leaves nothing to resume."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.pt"), reverse=True)

    def _say_what_differs(self, other: Path) -> None:
        saved = sorted(other.glob("[0-9]*.pt"))
        try:
            theirs = read_json(other / MADE_FROM)
            parts = sorted(name for name, value in self.made_from.items() if theirs.get(name) != value)
        except (UserError, AttributeError):
            parts = []
        if saved and parts:
            print(
                f"{other}: an unfinished training of this run, {int(saved[-1].stem)} iterations, was made from other "
                f"{', '.join(parts)}; it is left alone. To resume it nevertheless, rename it to {self.folder.name}",
                file=sys.stderr,
            )


def _read(path: Path) -> dict[str, Any] | None:
    content = path.read_bytes()
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
