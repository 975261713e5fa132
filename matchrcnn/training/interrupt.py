"""Requests to stop, looked at between two steps of a loop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[list[str]]:
    """Yield a list to which the name of each SIGINT (Ctrl-C) or SIGTERM is added."""
    requests: list[str] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        requests.append(signal.Signals(number).name)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
