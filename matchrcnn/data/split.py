"""A converted split as detectron2 dataset dicts, read from the file's own bytes as they are asked for."""

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
import orjson

from matchrcnn.data.records import DatasetEntry, EntryAnnotation
from matchrcnn.errors import UserError
from matchrcnn.files import read_json

BLOCK = 1 << 24
XYWH = 1
"""detectron2's BoxMode.XYWH_ABS, named here since stages that only read annotations do without torch."""
BEFORE_ITEMS, BEFORE_IMAGES, END = b'"annotations":[', b'],"images":[', b"]}"
IMAGE_ID, ID = re.compile(rb'"image_id":(\d+)'), re.compile(rb'"id":(\d+)')


@dataclass(frozen=True)
class Split:
    """A converted split: its annotation file, written by `matchrcnn convert`, and the folder of its pictures."""

    annotations: Path
    images: Path


@dataclass(frozen=True, eq=False)
class Entries(Sequence[DatasetEntry]):
    """Dataset dicts of a split, made when they are asked for.

    In memory are the annotation file, mapped, so that all processes share it and the system may drop it, and where its
    lines are: Python objects of a full data set take gigabytes, and each worker would come to own a copy.

    Attributes:
        split: what is read.
        data_set: its data set in words.
        text: JSON objects of images and items.
        images: where each image's object begins and ends in the text, (N, 2) int64.
        items: the same for the items, image by image, (M, 2) int64.
        first: an image's items are items[first[i] : first[i] + counts[i]], (N,) int64 both.
    """

    split: Split
    data_set: str
    text: bytes | mmap.mmap
    images: np.ndarray
    items: np.ndarray
    first: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, place: int) -> DatasetEntry: ...

    @overload
    def __getitem__(self, place: slice) -> list[DatasetEntry]: ...

    def __getitem__(self, place: int | slice) -> DatasetEntry | list[DatasetEntry]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        image = self._read(self.images[place])
        spans = self.items[self.first[place] : self.first[place] + self.counts[place]]
        annotations = [cast(EntryAnnotation, self._read(span)) for span in spans]
        for annotation in annotations:
            annotation["bbox_mode"] = XYWH
            annotation["category_id"] -= 1
        return DatasetEntry(
            file_name=str(self.split.images / image["file_name"]),
            image_id=image["id"],
            height=image["height"],
            width=image["width"],
            source=image["source"],
            pair_id=image["pair_id"],
            annotations=annotations,
        )

    def __iter__(self) -> Iterator[DatasetEntry]:
        return (self[place] for place in range(len(self)))

    def annotated(self) -> Self:
        """Those with an item."""
        kept = self.counts > 0
        return replace(self, images=self.images[kept], first=self.first[kept], counts=self.counts[kept])

    def _read(self, span: np.ndarray) -> dict[str, Any]:
        start, stop = span.tolist()
        try:
            return dict(orjson.loads(self.text[start:stop]))
        except ValueError as error:
            raise UserError(
                f"{self.split.annotations}: byte {start}: not valid JSON ({error}); write it with `matchrcnn convert`"
            ) from None


def load_split(split: Split) -> Entries:
    """Dataset dicts of a converted split, in the annotation file's order.

    Returns:
        One dict an image: file_name, image_id, height, width, source, pair_id, and `annotations`, whose bbox is xywh in
        pixels and whose category_id is 0..12.

    Raises:
        UserError: the file is not a converted annotation file, or holds no image.
    """
    text, data_set, items, images = _by_lines(split.annotations) or _by_objects(split.annotations)
    if not len(images):
        raise UserError(f"{split.annotations}: images: none; write the file with `matchrcnn convert`")
    ids, owners = _numbers(ID, text, images), _numbers(IMAGE_ID, text, items)
    order = np.argsort(owners, kind="stable")
    owners = owners[order]
    if missing := np.setdiff1d(owners, ids).tolist():
        raise UserError(f"{split.annotations}: annotations: image_id {missing[0]} is no image of the file")
    first, last = np.searchsorted(owners, ids), np.searchsorted(owners, ids, side="right")
    return Entries(split, data_set, text, images, items[order], first, last - first)


Found = tuple[bytes | mmap.mmap, str, np.ndarray, np.ndarray]
"""Text, data set, and where items and images are."""


def _by_lines(path: Path) -> Found | None:
    """As `matchrcnn convert` writes it, an object a line; None for any other layout."""
    try:
        with path.open("rb") as file:
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    turn = text.rfind(b"\n" + BEFORE_IMAGES + b"\n") + 1
    head = text[: text.find(b"\n")]
    if turn == 0 or not head.endswith(BEFORE_ITEMS) or text[-len(END) - 1 : -1] != END:
        return None
    ends = _newlines(text)
    lines = np.stack([np.append(0, ends[:-1] + 1), ends], axis=1)
    turn = int(np.searchsorted(lines[:, 0], turn))
    return (
        text,
        _data_set(orjson.loads(head + END)),
        _objects(lines[1:turn]),
        _objects(lines[turn + 1 : -1]),
    )


def _by_objects(path: Path) -> Found:
    """Any JSON layout: read as a whole and written again, one object after another."""
    coco = read_json(path)
    if not isinstance(coco, dict) or not {"images", "annotations"} <= coco.keys():
        raise UserError(f"{path}: images: none; write the file with `matchrcnn convert`")
    written = [orjson.dumps(value) for value in (*coco["annotations"], *coco["images"])]
    ends = np.cumsum([0, *map(len, written)])
    spans = np.stack([ends[:-1], ends[1:]], axis=1)
    count = len(coco["annotations"])
    return b"".join(written), _data_set(coco), spans[:count], spans[count:]


def _data_set(coco: dict[str, Any]) -> str:
    return str(coco.get("info", {}).get("data_set", ""))


def _newlines(text: mmap.mmap) -> np.ndarray:
    """Places of all newlines, found block by block."""
    size = len(text)
    places = [
        start + np.flatnonzero(np.frombuffer(text[start : start + BLOCK], np.uint8) == ord("\n"))
        for start in range(0, size, BLOCK)
    ]
    return np.concatenate(places)


def _objects(lines: np.ndarray) -> np.ndarray:
    """The lines without the commas that end all but the last."""
    objects = lines.copy()
    objects[:-1, 1] -= 1
    return objects


def _numbers(pattern: re.Pattern[bytes], text: bytes | mmap.mmap, spans: np.ndarray) -> np.ndarray:
    """The first number that a pattern finds in each object, (n,) int64; -1 where there is none."""
    found = (pattern.search(text, start, stop) for start, stop in spans.tolist())
    return np.fromiter((int(match[1]) if match else -1 for match in found), np.int64, len(spans))
