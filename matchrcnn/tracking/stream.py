"""The training's end of the stream: measurements go into a pipe and are forgotten."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from matchrcnn.config import WEIGHTS
from matchrcnn.files import sha256
from matchrcnn.tracking.store import is_server, say_failed
from matchrcnn.tracking.subject import Subject, curve_name
from matchrcnn.training.train import InterruptedTrainingError

PATIENCE_S = 5.0
"""Seconds that a training waits for a server at its end, once; the only time that tracking takes from it."""

DATABASE_PATIENCE_S = 60.0
"""The same for a database on this machine, which does answer: a training of seconds waits for MLflow to be imported."""


class TrainingTracker:
    """A listener of a training's curves that streams them to MLflow.

    What talks to MLflow is another process, `worker`. It is neither a thread, which would hold locks while the data
    loader forks, nor waited for: a measurement that finds the pipe full is dropped, and caught up with from the files.
    """

    def __init__(self, subject: Subject, uri: str, patience: float | None = None) -> None:
        self._uri = uri
        self._patience = patience if patience is not None else PATIENCE_S if is_server(uri) else DATABASE_PATIENCE_S
        # A session of its own: Ctrl-C reaches the training, which then says here how it ended.
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "matchrcnn.tracking.worker"], stdin=subprocess.PIPE, start_new_session=True
        )
        self._tell({"subject": subject.as_json(), "uri": uri})
        os.set_blocking(self._pipe(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._worker.poll() is None and not self._stdin().closed:
            stopped = kind is not None and issubclass(kind, InterruptedTrainingError | KeyboardInterrupt)
            self._end({"status": "KILLED" if stopped else "FAILED"})

    def __call__(self, iteration: int, values: Mapping[str, float]) -> None:
        """Pass on what was measured at an iteration."""
        # The UI's plots take the metric that came first.
        named = {curve_name(name): values[name] for name in sorted(values, key=lambda name: name != "total_loss")}
        self._tell({"step": iteration, "time_ms": int(time.time() * 1000), "values": named})

    def finish(self, folder: Path) -> None:
        """Tie the run to the weights in `models/RUN`, and wait a little for what is under way."""
        self._end({"status": "FINISHED", "model": sha256(folder / WEIGHTS)})

    def _end(self, message: Mapping[str, Any]) -> None:
        self._tell(message)
        try:
            self._stdin().close()
            self._worker.wait(self._patience)
        except BrokenPipeError:
            self._worker.wait()
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
            say_failed("streaming curves", self._uri, f"no answer within {self._patience:g} s")

    def _tell(self, message: Mapping[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ValueError):  # full, or the worker has ended
            os.write(self._pipe(), line)

    def _stdin(self) -> Any:  # noqa: ANN401 (a raw pipe)
        return self._worker.stdin

    def _pipe(self) -> int:
        return int(self._stdin().fileno())
