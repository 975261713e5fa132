"""The one way to machine code and to threads: numba's compiler as this package uses it, and work split over cores.

Compiled code releases the GIL, so that threads use all cores.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
R = TypeVar("R")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Cores that this process may use."""

NO_NAN = {"nnan", "nsz"}
"""LLVM's flags for numbers of which none is NaN and the sign of zero does not matter."""


def compiled(function: F) -> F:
    """Compile a function to machine code that releases the GIL and divides as NumPy does.

    The machine code is kept next to the source or in the user's cache (NUMBA_CACHE_DIR names another place); where
    neither can be written, it is compiled again in every process.
    """
    return _compiled(function)


def compiled_without_nan(function: F) -> F:
    """Compile as `compiled` does, for numbers that are never NaN: comparisons then use vector instructions."""
    return _compiled(function, fastmath=NO_NAN)


def _compiled(function: F, **flags: Any) -> F:  # noqa: ANN401 (numba's own options)
    options = {"nogil": True, "error_model": "numpy", **flags}
    others = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = others or _cache(function.__module__.split(".")[1])
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = others


def cache_of(package: Path) -> Path:
    """Return the folder for machine code of a package; it differs for every state of its sources and the ground's.

    Numba itself compiles a function again only when the function's own file changed. But machine code includes the
    functions that it calls, and these may be in other files.
    """
    sources = sorted([*package.parent.glob("*.py"), *package.rglob("*.py")])
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return package / "__pycache__" / f"numba-{digest[:16]}"


@cache
def _cache(package: str) -> str:
    folder = Path(__file__).parent / package
    return str(cache_of(folder)) if os.access(folder, os.W_OK) else ""


def in_threads(work: Callable[[T], R], parts: Iterable[T]) -> list[R]:
    """Return what `work` gives for each part, in their order; the first part's error is raised."""
    parts = list(parts)
    if len(parts) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(work, parts))


def slices(length: int, least: int) -> list[slice]:
    """Return slices of a sequence, one for each core, but none of fewer than `least` elements."""
    size = max(-(-length // CORES), least)
    return [slice(first, first + size) for first in range(0, length, size)]
