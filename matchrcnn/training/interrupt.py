"""Requests to stop, heard between two steps of a loop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[list[str]]:
    """A list that is empty until SIGINT (Ctrl-C) or SIGTERM comes, and holds the signal's name from then on."""
    requests: list[str] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        requests.append(signal.Signals(number).name)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
