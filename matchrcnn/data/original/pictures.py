"""Width and height of a picture, read from its header, with a sure sign that the file is whole."""

import os
import struct
from pathlib import Path

from PIL import Image

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive: the frames that decoders know
_FIRST_READ, _SECOND_READ = 4096, 1 << 17


class PictureError(Exception):
    """A picture that cannot be decoded; the message says why."""


def picture_size(path: Path | str) -> tuple[int, int]:
    """Width and height in stored pixels; an EXIF rotation is left alone, as the annotations leave it.

    A JPEG that has its header and ends with the end-of-image marker is not decoded. Any other file is, whole: it may
    carry bytes after the marker, be of another format, or be cut off. Damage between header and end is not seen.

    Raises:
        PictureError: the file cannot be read or decoded.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            size = _whole_jpeg_size(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise PictureError(str(error.strerror)) from None
    return size or _decoded_size(path)


def _whole_jpeg_size(descriptor: int) -> tuple[int, int] | None:
    head = os.read(descriptor, _FIRST_READ)
    size = _frame_size(head) or _frame_size(head + os.read(descriptor, _SECOND_READ))
    if size:
        os.lseek(descriptor, -len(_END), os.SEEK_END)
    return size if size and os.read(descriptor, len(_END)) == _END else None


def _frame_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of the frame header (ITU-T T.81, B.2.2), None where the bytes hold none."""
    position = len(_START)
    if not head.startswith(_START):
        return None
    while position + 9 <= len(head) and head[position] == 0xFF:
        if head[position + 1] in _FRAMES:
            height, width = struct.unpack_from(">HH", head, position + 5)
            return (width, height) if width and height else None
        position += 2 + int.from_bytes(head[position + 2 : position + 4])
    return None


def _decoded_size(path: Path | str) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            image.load()
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(str(error).replace(f" '{path}'", "")) from None
