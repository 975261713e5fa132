"""Files written whole or not at all, read with clear errors, and known by their digest."""

import codecs
import errno
import fcntl
import glob
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from matchrcnn.errors import UserError

TEMPORARY = ".partial"
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends well, and vanishes otherwise.

    A device or a pipe is not replaced: the content is written into it when the block ends well.

    Raises:
        UserError: there is no space for it, or no permission, or `path` is a folder or another name of an open file.
    """
    refuse_as_output(path)
    if path.exists() and not path.is_file():
        with _written_into(path) as file:
            yield file
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            _claim(handle)
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        if error.errno in FULL:
            raise _unwritable(path, error) from error
        raise
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def refuse_as_output(path: Path) -> None:
    """Refuse a path that no file can be written to, before any work is done for it.

    Raises:
        UserError: it is a folder, or below a file, or another name of an open file, as /dev/stdout of a redirection.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; give the name of a file to write")
    if path.is_symlink() and path.is_file() and path.absolute().parts[1] in _SYSTEM:
        raise UserError(f"{path}: is another name of {path.resolve()}; give that name")
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir():
        raise UserError(f"{path}: {above} is no folder; give the name of a file to write")


_SYSTEM = ("dev", "proc")
"""Folders of links that belong to the machine: one of them is never replaced by a file."""


@contextmanager
def _written_into(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file whose content is written into a device or a pipe when the block ends well."""
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        try:
            with path.open("wb") as target:
                shutil.copyfileobj(file, target)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(path, error) from error


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files of writers that were killed, of one file or of all; living writers hold a lock."""
    pattern = f".*{TEMPORARY}" if name is None else f".{glob.escape(name)}.*{TEMPORARY}"
    for path in folder.glob(pattern):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _claim(handle: int) -> None:
    """Lock a file for as long as its writer lives."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unwritable(path: Path, error: OSError) -> UserError:
    remedy = "free some space" if error.errno in FULL else "fix this"
    return UserError(f"{path}: cannot be written ({error.strerror}); {remedy} and run it again")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def json_bytes(value: Any, indent: bool = False) -> bytes:  # noqa: ANN401 (any JSON value)
    """Return a value as JSON text; NumPy scalars and arrays are converted, NaN becomes null."""
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, option=option)


def write_json(path: Path, value: Any, indent: bool = False) -> None:  # noqa: ANN401 (any JSON value)
    """Write JSON atomically, as `json_bytes` gives it."""
    with atomic_write(path) as file:
        file.write(json_bytes(value, indent))


def write_together(folder: Path, last: str, files: Mapping[str, bytes]) -> None:
    """Write several files of a folder so that the last is there only when all belong together.

    All are written under temporary names first and renamed at the end. A writer that is killed in between leaves no
    file of the name `last`, so that a reader who looks for it finds a whole set or none.

    Args:
        folder: made if needed.
        last: the file that is removed before the first and appears after all others.
        files: content by name, `last` among them.

    Raises:
        UserError: there is no space for them, or no permission.
    """
    with ExitStack() as renames:  # in the order of leaving: the last entered first
        for name in (last, *(name for name in files if name != last)):
            file = renames.enter_context(atomic_write(folder / name))
            file.write(files[name])
            file.flush()
        (folder / last).unlink(missing_ok=True)


def read_json(path: Path) -> Any:  # noqa: ANN401 (any JSON value)
    """Read a JSON file.

    Raises:
        UserError: the file is missing, or not JSON; the message says where it breaks.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        return orjson.loads(without_mark(content))
    except orjson.JSONDecodeError as error:
        raise no_json(path, content, error) from None


def unreadable(path: Path, error: OSError) -> UserError:
    """Return what to say of a JSON file that the operating system does not give."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: no such file")
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path}: is a folder, a JSON file is expected")
    return UserError(f"{path}: cannot be read ({error.strerror}); a JSON file is expected")


def without_mark(content: bytes | mmap) -> memoryview:
    """Return UTF-8 text without the byte order mark that Windows programs put before it."""
    start = len(codecs.BOM_UTF8) if content[: len(codecs.BOM_UTF8)] == codecs.BOM_UTF8 else 0
    return memoryview(content)[start:]


def no_json(path: Path, content: bytes | mmap, error: Exception) -> UserError:
    """Return what to say of a file that is not JSON: Python and JavaScript write NaN, Windows programs UTF-16."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return UserError(f"{path}: is text in UTF-16; save it in UTF-8")
    key = b""
    for found in _TOKENS.finditer(content):
        key = found["string"] or key
        if constant := found["constant"]:
            place = f"holds {constant.decode()} after {key.decode(errors='replace')} (at byte {found.start()})"
            return UserError(f"{path}: {place}, which is no JSON number; write a finite number or leave the field out")
    return UserError(f"{path}: not valid JSON ({error}); is the file complete?")


_TOKENS = re.compile(rb'(?P<string>"(?:[^"\\]|\\.)*+")|(?P<constant>NaN|-?Infinity)', re.DOTALL)
"""Strings, which may hold any word, and the constants that JSON does not have."""


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
