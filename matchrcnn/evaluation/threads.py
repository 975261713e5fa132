"""Work divided among the machine's cores: compiled code releases the GIL, so that threads do."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Cores that this process may use."""


def in_threads(work: Callable[[T], R], parts: Iterable[T]) -> list[R]:
    """What `work` gives for each part, in their order; the first part's error is raised."""
    parts = list(parts)
    if len(parts) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(work, parts))


def slices(length: int, least: int) -> list[slice]:
    """Slices of a sequence, one for each core, but none of fewer than `least` elements."""
    size = max(-(-length // CORES), least)
    return [slice(first, first + size) for first in range(0, length, size)]
