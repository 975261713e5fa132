"""The pictures that a call names, and a unique name for the files that are written for each."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from matchrcnn.errors import UserError
from matchrcnn.inference.photos.files import pictures_in

LONGEST_NAME = 200
"""Bytes that a part of a written name may have; file systems allow 255, and suffixes are added."""


@dataclass(frozen=True)
class Source:
    """A picture to look at.

    Attributes:
        path: as the call named it.
        name: below the output folder, without a suffix; unique in the call.
    """

    path: Path
    name: PurePosixPath


def sources_of(inputs: Sequence[Path], output: Path) -> tuple[list[Source], list[str]]:
    """Return the pictures of files and folders, each once, in order.

    A file gives its name, a folder the names below it, so that no name leaves the output folder. Of pictures that would
    have the same name, also where upper and lower case are one, the later ones are numbered: coat, coat-2, coat-3.

    Args:
        inputs: files, and folders to look through.
        output: a folder whose files are not inputs.

    Returns:
        Sources, and a message for each folder that has none.
    """
    found: dict[Path, Source] = {}
    taken, problems = _Names(), []
    for given in inputs:
        try:
            paths = pictures_in(given, without=output) if given.is_dir() else [given]
        except UserError as error:
            problems.append(str(error))
            continue
        for path in paths:
            name = path.relative_to(given) if given.is_dir() else Path(path.name)
            found.setdefault(path.resolve(), Source(path, taken.free(PurePosixPath(name.with_suffix("")))))
    return list(found.values()), problems


class _Names:
    """Names in use, of files and of their folders."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()

    def free(self, name: PurePosixPath) -> PurePosixPath:
        """Return the name, or one with a number, that is not in use and is no parent or child of one in use."""
        short = PurePosixPath(*map(_short, name.parts))
        number, candidate = 1, short
        while self._in_use(candidate):
            number += 1
            candidate = short.with_name(f"{short.name}-{number}")
        self.files.add(_folded(candidate))
        self.folders.update(_above(candidate))
        return candidate

    def _in_use(self, name: PurePosixPath) -> bool:
        own = _folded(name)
        return own in self.files or own in self.folders or not self.files.isdisjoint(_above(name))


def _folded(name: PurePosixPath) -> str:
    return str(name).casefold()


def _above(name: PurePosixPath) -> Iterable[str]:
    return [_folded(parent) for parent in name.parents if parent.name]


def _short(part: str) -> str:
    encoded = os.fsencode(part)
    if len(encoded) <= LONGEST_NAME:
        return part
    return f"{os.fsdecode(encoded[:150]).rstrip()}-{hashlib.sha256(encoded).hexdigest()[:12]}"
