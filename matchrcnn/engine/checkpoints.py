"""Training checkpoints: written whole, checked when read, keyed by what the training is made from."""

import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import torch

from matchrcnn.files import atomic_write

KEEP = 2
DIGEST_BYTES = hashlib.sha256().digest_size


class Checkpoints:
    """The checkpoints of one training, in a folder named by the digest of all that it is made from.

    A changed training has another folder and so never resumes from this one. A file is its payload's SHA-256, then the
    payload, so that a damaged one is recognised and the one before it is used.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / key

    def save(self, iteration: int, state: dict[str, Any]) -> None:
        """Write the state after `iteration` iterations and drop all but the newest two."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        payload = buffer.getbuffer()
        with atomic_write(self.folder / f"{iteration:09d}.pt") as file:
            file.write(hashlib.sha256(payload).digest())
            file.write(payload)
        for old in self._newest_first()[KEEP:]:
            old.unlink()

    def latest(self) -> tuple[int, dict[str, Any]] | None:
        """Iterations done and state of the newest checkpoint that is whole; says so where one is passed over."""
        for path in self._newest_first():
            state = _read(path)
            if state is not None:
                return int(path.stem), state
            print(f"checkpoint {path} is damaged; trying the one before it")
        return None

    def clear(self) -> None:
        """Remove the folder: a training that has ended leaves nothing to resume."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("*.pt"), reverse=True)


def _read(path: Path) -> dict[str, Any] | None:
    content = path.read_bytes()
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
