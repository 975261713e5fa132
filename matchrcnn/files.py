"""Files written whole or not at all, read with clear errors, and known by their digest."""

import errno
import fcntl
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from matchrcnn.errors import UserError

TEMPORARY = ".partial"
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends well, and vanishes otherwise.

    Raises:
        UserError: there is no space for it, or no permission.
    """
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
    return UserError(f"{path}: cannot be written ({error.strerror}); {remedy} and run again")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any, indent: bool = False) -> None:  # noqa: ANN401 (any JSON value)
    """Write JSON atomically; NumPy scalars and arrays are welcome, NaN becomes null."""
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    with atomic_write(path) as file:
        file.write(orjson.dumps(value, option=option))


def read_json(path: Path) -> Any:  # noqa: ANN401 (any JSON value)
    """Read a JSON file.

    Raises:
        UserError: the file is missing, or not JSON; the message says where it breaks.
    """
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, a JSON file is expected") from None
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON ({error}); is the file complete?") from None


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
