"""Numba's compiler as this package uses it: compiled on first use, kept on disk where that is possible."""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable)


def cache_of(package: Path) -> Path:
    """The folder for machine code of a package, another one for every state of its sources and the ground modules'.

    Numba alone compiles a function anew when its own file changed. But machine code holds the functions that it calls,
    and these may stand in other files.
    """
    sources = sorted([*package.parent.glob("*.py"), *package.rglob("*.py")])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return package / "__pycache__" / f"numba-{digest[:16]}"


@cache
def _cache(package: str) -> str:
    folder = Path(__file__).parent / package
    return str(cache_of(folder)) if os.access(folder, os.W_OK) else ""


def compiled(function: F) -> F:
    """Compile a function to machine code that releases the GIL and divides as NumPy does.

    The machine code is kept beside the source or in the user's cache (NUMBA_CACHE_DIR names another place); where
    neither can be written, it is compiled anew in every process.
    """
    options = {"nogil": True, "error_model": "numpy"}
    others = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = others or _cache(function.__module__.split(".")[1])
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = others
