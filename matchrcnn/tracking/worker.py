"""MLflow's end of the stream: `python -m matchrcnn.tracking.worker` reads measurements from stdin and logs them.

It ends with its stdin. A training that ends without a word (killed, out of memory) leaves a run marked as failed.
"""

import contextlib
import json
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from matchrcnn.tracking.store import Store, metrics_at, never_fails
from matchrcnn.tracking.subject import Subject
from matchrcnn.tracking.system import SystemSampler

if TYPE_CHECKING:
    from mlflow.entities import Metric

WAIT_S = 1.0
"""Seconds between two looks at machine and store when no measurement comes."""

RETRY_S = 60.0
"""Seconds for which a store that failed is left alone."""

KEPT = 100_000
"""Measurements that wait for a store; older ones are caught up with from the files."""

ENDED_WITHOUT_A_WORD = {"status": "FAILED"}


class Worker:
    """Logs the messages of one training, through failures of the store."""

    def __init__(self, subject: Subject, uri: str) -> None:
        self.subject, self.uri = subject, uri
        self.waiting: deque[Metric] = deque(maxlen=KEPT)
        self.store: Store | None = None
        self.run_id = ""
        self.known: dict[str, set[int]] = {}
        self.sampler: SystemSampler | None = None
        self._samples = 0
        self._retry_at, self._said = 0.0, False

    def add(self, message: dict[str, Any]) -> None:
        """Take a measurement; one that the training logged before it was resumed is there already."""
        self.waiting.extend(metrics_at(message["values"], message["step"], message["time_ms"]))

    def send(self, last: bool = False) -> bool:
        """Log what waits, unless the store failed a moment ago; return whether nothing waits any more."""
        if not last and time.monotonic() < self._retry_at:
            return False
        with never_fails("streaming curves", self.uri, self._said) as working:
            self._connect()
            self._sample()
            self._flush()
        if not working:
            # A new connection looks at what is known, so that nothing that did arrive is logged twice.
            self.store, self._said, self._retry_at = None, True, time.monotonic() + RETRY_S
        return bool(working)

    def end(self, message: dict[str, Any]) -> None:
        """Log what is left and how the training ended."""
        if not self.send(last=True):
            return
        with never_fails("finishing a run", self.uri, self._said):
            self._end(message)

    def _end(self, message: dict[str, Any]) -> None:
        assert self.store is not None
        model = message.get("model")
        if model and self.store.find(self.subject, model):
            # The same training with the same outcome, run again: it is there, with all that was learned of it since.
            self.store.client.delete_run(self.run_id)
            return
        if model:
            self.store.client.set_tag(self.run_id, "model_sha256", model)
        self.store.client.set_terminated(self.run_id, message["status"])

    def _connect(self) -> None:
        if self.store is not None:
            return
        store = Store(self.uri)
        run = store.unfinished(self.subject) or store.create(self.subject)
        if run.info.status != "RUNNING":
            store.client.update_run(run.info.run_id, status="RUNNING")
        self.store, self.run_id, self.known = store, str(run.info.run_id), store.steps(run)
        self._samples = 1 + max(
            (max(steps) for name, steps in self.known.items() if name.startswith("system/")), default=-1
        )
        self.sampler = self.sampler or SystemSampler()

    def _sample(self) -> None:
        assert self.sampler is not None
        if values := self.sampler.sample():
            self.waiting.extend(metrics_at(values, self._samples, int(time.time() * 1000)))
            self._samples += 1

    def _flush(self) -> None:
        assert self.store is not None
        new = [metric for metric in self.waiting if metric.step not in self.known.get(metric.key, ())]
        self.store.log_metrics(self.run_id, new)
        self.waiting.clear()


def main() -> None:
    """Read messages until the training ends."""
    first = json.loads(sys.stdin.readline())
    worker = Worker(Subject(**first["subject"]), first["uri"])
    messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(messages,), daemon=True).start()
    while True:
        worker.send()
        for message in _arrived(messages):
            if "status" in message:
                worker.end(message)
                return
            worker.add(message)


def _read(messages: "queue.SimpleQueue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        with contextlib.suppress(ValueError):  # a line cut by a full pipe
            messages.put(json.loads(line))
    messages.put(ENDED_WITHOUT_A_WORD)


def _arrived(messages: "queue.SimpleQueue[dict[str, Any]]") -> Iterator[dict[str, Any]]:
    """Yield messages that are there, or come within a moment: what comes together is logged together."""
    with contextlib.suppress(queue.Empty):
        yield messages.get(timeout=WAIT_S)
        while True:
            yield messages.get_nowait()


if __name__ == "__main__":
    main()
