"""Reading all images of a split, in their order, with several processes."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from matchrcnn.data.original.layout import OriginalSplit
from matchrcnn.data.original.pictures import PictureError, picture_size
from matchrcnn.data.original.records import (
    Annotation,
    AnnotationError,
    Defect,
    Record,
    parse_annotation,
    parse_item,
)
from matchrcnn.data.original.tally import Tally

CHUNK = 256
_READ = 1 << 16
_FEW = 4 * CHUNK  # fewer files are read sooner than processes start

Files = list[tuple[int, str | None, str | None]]
Encode = Callable[[Record], tuple[bytes, list[bytes]]]


class Chunk(NamedTuple):
    """What came out of some consecutive files: encoded images, encoded annotations, and the counts."""

    images: list[bytes]
    annotations: list[bytes]
    tally: Tally


def scan(split: OriginalSplit, encode: Encode | None = None, workers: int | None = None) -> Iterator[Chunk]:
    """Read a split in the order of its numbers; the result does not depend on the number of processes.

    Args:
        split: from `list_split`.
        encode: makes bytes of a record, if any are wanted; a function of a module's top level.
        workers: processes; as many as there are cores by default.
    """
    chunks = [split.files[start : start + CHUNK] for start in range(0, len(split.files), CHUNK)]
    workers = min(workers or os.cpu_count() or 1, len(chunks))
    with tqdm(total=len(split.files), desc=split.name, unit=" images", disable=None) as progress:
        for files, chunk in zip(chunks, _read_all(split, chunks, encode, workers), strict=True):
            progress.update(len(files))
            yield chunk


def _read_all(split: OriginalSplit, chunks: list[Files], encode: Encode | None, workers: int) -> Iterator[Chunk]:
    if workers <= 1 or len(split.files) <= _FEW:
        yield from (_read_chunk(split.root, split.annotated, files, encode) for files in chunks)
        return
    # What a worker allocates has no cycles: looking for them would take a tenth of its time.
    with ProcessPoolExecutor(workers, initializer=gc.disable) as pool:
        waiting: deque[Future[Chunk]] = deque()
        for files in chunks:
            waiting.append(pool.submit(_read_chunk, split.root, split.annotated, files, encode))
            if len(waiting) > 4 * workers:  # finished chunks that nobody has taken yet fill the memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read_chunk(root: Path, annotated: bool, files: Files, encode: Encode | None) -> Chunk:
    chunk = Chunk([], [], Tally())
    for number, picture, annotation in files:
        if not annotated and picture:
            _read_bare(root, picture, chunk.tally)
        elif record := _read_record(root, number, picture, annotation, chunk.tally):
            chunk.tally.add(record)
            if encode:
                image, annotations = encode(record)
                chunk.images.append(image)
                chunk.annotations.extend(annotations)
    return chunk


def _read_bare(root: Path, picture: str, tally: Tally) -> None:
    tally.found.update(("images", "pictures"))
    try:
        picture_size(f"{root}/image/{picture}")
        tally.images["", 0] += 1  # nobody says its source
    except PictureError as error:
        tally.skip(Defect("unreadable_picture", f"image/{picture}", "", str(error)))


def _read_record(root: Path, number: int, picture: str | None, annotation: str | None, tally: Tally) -> Record | None:
    tally.found["images"] += 1
    tally.found["pictures"] += picture is not None
    tally.found["annotations"] += annotation is not None
    try:
        content = _read_annotation(root, picture, annotation)
        file_name, (width, height) = _read_picture(root, picture, annotation, content)
    except _ImageSkippedError as skipped:
        tally.skip(skipped.defect, skipped.items)
        return None
    record = Record(number, file_name, width, height, content.source, content.pair_id, [])
    _read_items(record, content, f"annos/{annotation}", tally)
    return record


class _ImageSkippedError(Exception):
    def __init__(self, kind: str, file: str, reason: str, items: int = 0) -> None:
        super().__init__(reason)
        self.defect, self.items = Defect(kind, file, "", reason), items


def _read_annotation(root: Path, picture: str | None, annotation: str | None) -> Annotation:
    if annotation is None:
        raise _ImageSkippedError("picture_without_annotation", f"image/{picture}", "no file of its number in annos/")
    try:
        return parse_annotation(_content(f"{root}/annos/{annotation}"))
    except OSError as error:
        raise _ImageSkippedError("invalid_annotation", f"annos/{annotation}", str(error.strerror)) from None
    except AnnotationError as error:
        raise _ImageSkippedError("invalid_annotation", f"annos/{annotation}", str(error), error.items) from None


def _content(path: str) -> bytes:
    """The bytes of a small file, in a third of the time that Path.read_bytes takes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(descriptor, _READ), b""))
    finally:
        os.close(descriptor)


def _read_picture(
    root: Path, picture: str | None, annotation: str | None, content: Annotation
) -> tuple[str, tuple[int, int]]:
    items = len(content.items)
    if picture is None:
        reason = "no file of its number in image/"
        raise _ImageSkippedError("annotation_without_picture", f"annos/{annotation}", reason, items)
    try:
        return picture, picture_size(f"{root}/image/{picture}")
    except PictureError as error:
        raise _ImageSkippedError("unreadable_picture", f"image/{picture}", str(error), items) from None


def _read_items(record: Record, content: Annotation, file: str, tally: Tally) -> None:
    tally.found["items"] += len(content.items)
    for key, raw in content.items.items():
        item, problems = parse_item(raw, record.width, record.height)
        tally.defects += [Defect(kind, file, key[:80], reason) for kind, reason in problems]
        if item:
            record.items.append(item)
        else:
            tally.skipped["items"] += 1
    if not record.items:
        tally.defects.append(Defect("image_without_items", file, "", f"items found: {len(content.items)}"))
