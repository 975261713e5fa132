"""Numba's compiler as this package uses it: compiled on first use, kept on disk where that is possible."""

from collections.abc import Callable
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable)


def compiled(function: F) -> F:
    """Compile a function to machine code that releases the GIL and divides as NumPy does.

    The machine code is kept beside the source or in the user's cache; where neither can be written, it is compiled anew
    in every process.
    """
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(**options)(function)
