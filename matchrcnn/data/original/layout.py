"""DeepFashion2's own folder layout: SPLIT/image/000001.jpg and SPLIT/annos/000001.json."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from matchrcnn.data.original.records import Defect
from matchrcnn.errors import UserError

SPLITS = ("train", "validation", "test")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class OriginalSplit:
    """Files of a split's folders.

    Attributes:
        root: the split's folder, which holds `image` and, but for test splits, `annos`.
        annotated: whether it has annotations.
        files: (number, picture's name or None, annotation's name or None), in the order of the numbers.
        defects: files that are neither.
    """

    root: Path
    annotated: bool
    files: list[tuple[int, str | None, str | None]]
    defects: list[Defect] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.resolve().name


def find_splits(root: Path) -> list[Path]:
    """The splits in a data set's folder, as paths.

    Raises:
        UserError: there is none; says what is there and what is expected.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give the folder that holds train/ and validation/")
    splits = [root / name for name in SPLITS if (root / name).is_dir()]
    if not splits:
        raise UserError(f"{root}: {_what_is_wrong(root)}")
    return splits


def _what_is_wrong(root: Path) -> str:
    if (root / "image").is_dir():
        return f"this is one split (it holds image/); give the folder above it: {root.resolve().parent}"
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if any((folder / name).is_dir() for name in SPLITS):
            return f"the data set is one folder deeper; give {folder}"
    found = ", ".join(sorted(path.name + "/" * path.is_dir() for path in root.iterdir())[:8]) or "nothing"
    return f"expected train/, validation/ or test/, each with image/ and annos/; found {found}"


def list_split(root: Path) -> OriginalSplit:
    """List a split's files.

    Raises:
        UserError: the folder, or the image folder in it, is missing.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give a split, as DATA_SET/train")
    if not (root / "image").is_dir():
        raise UserError(f"{root}: holds no image/ folder; expected image/000001.jpg, ... and annos/000001.json, ...")
    defects: list[Defect] = []
    annotated = (root / "annos").is_dir()
    pictures = _numbered(root / "image", ".jpg", defects)
    annotations = _numbered(root / "annos", ".json", defects) if annotated else {}
    numbers = sorted(pictures.keys() | annotations.keys())
    return OriginalSplit(root, annotated, [(n, pictures.get(n), annotations.get(n)) for n in numbers], defects)


def _numbered(folder: Path, suffix: str, defects: list[Defect]) -> dict[int, str]:
    names: dict[int, str] = {}
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.is_file()) for entry in entries)
    for name, is_file in found:
        stem = name.removesuffix(suffix)
        if not is_file or stem == name or not _NUMBER.fullmatch(stem):
            reason = f"a file named by a number is expected, as 000001{suffix}"
            defects.append(_defect("unexpected_file", folder, name, reason))
        elif int(stem) in names:
            defects.append(_defect("number_used_twice", folder, name, f"also the number of {names[int(stem)]}"))
        else:
            names[int(stem)] = name
    return names


def _defect(kind: str, folder: Path, name: str, reason: str) -> Defect:
    readable = os.fsencode(name).decode(errors="replace")
    return Defect(kind, f"{folder.name}/{readable}", "", reason)
