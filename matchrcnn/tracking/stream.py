"""The training's end of the stream: measurements go into a pipe and are forgotten."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matchrcnn.files import sha256
from matchrcnn.project import WEIGHTS, Run, TrainingSummary
from matchrcnn.tracking.origin import training_tags
from matchrcnn.tracking.store import is_server, say_failed, tracking_uri
from matchrcnn.tracking.subject import Subject, curve_name, describe
from matchrcnn.training.provenance import git_state, hardware
from matchrcnn.training.train import InterruptedTrainingError

PATIENCE_S = 5.0
"""Seconds that a training waits for a server at its end, once; the only time that tracking takes from it."""

DATABASE_PATIENCE_S = 60.0
"""The same for a database on this machine, which does answer: a training of seconds waits for MLflow to be imported."""


class TrainingTracker:
    """A listener of a training (`training.run.Listener`) that streams its curves to MLflow.

    What talks to MLflow is another process, `worker`. It is neither a thread, which would hold locks while the data
    loader forks, nor waited for: a measurement that finds the pipe full is dropped, and caught up with from the files.
    """

    _stream: "_Stream"

    def __init__(self, uri: str | None = None, patience: float | None = None) -> None:
        """Args: the tracking store, None for the project's own; seconds to wait at the end, None for its kind's."""
        self._uri, self._patience = uri, patience

    def started(self, run: Run, summary: TrainingSummary) -> None:
        """Start the process that talks to MLflow, and tell it of the run."""
        made = training_tags(git_state(run.project.root)[0], hardware())
        subject = describe(run, run.settings, summary, made)
        self._stream = _Stream(subject, self._uri or tracking_uri(run.project.home), self._patience)

    def measured(self, iteration: int, values: Mapping[str, float]) -> None:
        """Pass on what was measured at an iteration."""
        # The UI's plots take the metric that came first.
        named = {curve_name(name): values[name] for name in sorted(values, key=lambda name: name != "total_loss")}
        self._stream.tell({"step": iteration, "time_ms": int(time.time() * 1000), "values": named})

    def finished(self, folder: Path) -> None:
        """Tie the run to the weights in a folder, and wait a little for what is under way."""
        self._stream.end({"status": "FINISHED", "model": sha256(folder / WEIGHTS)})

    def failed(self, error: BaseException) -> None:
        """Say how the training ended, unless it had finished."""
        stopped = isinstance(error, InterruptedTrainingError | KeyboardInterrupt)
        if self._stream.open:
            self._stream.end({"status": "KILLED" if stopped else "FAILED"})


class _Stream:
    """The process that talks to MLflow, and the pipe to it."""

    def __init__(self, subject: Subject, uri: str, patience: float | None) -> None:
        self.uri = uri
        self.patience = patience if patience is not None else PATIENCE_S if is_server(uri) else DATABASE_PATIENCE_S
        # A session of its own: Ctrl-C reaches the training, which then says here how it ended.
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "matchrcnn.tracking.worker"], stdin=subprocess.PIPE, start_new_session=True
        )
        self.tell({"subject": subject.as_json(), "uri": uri})
        os.set_blocking(self._pipe(), False)

    @property
    def open(self) -> bool:
        """Whether the worker runs and has not heard of the training's end."""
        return self.worker.poll() is None and not self._stdin().closed

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message, or drop it where the pipe is full or the worker has ended."""
        line = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ValueError):
            os.write(self._pipe(), line)

    def end(self, message: Mapping[str, Any]) -> None:
        """Send the last message and wait for the worker, no longer than its patience."""
        self.tell(message)
        try:
            self._stdin().close()
            self.worker.wait(self.patience)
        except BrokenPipeError:
            self.worker.wait()
        except subprocess.TimeoutExpired:
            self.worker.kill()
            self.worker.wait()
            say_failed("streaming curves", self.uri, f"no answer within {self.patience:g} s")

    def _stdin(self) -> Any:  # noqa: ANN401 (a raw pipe)
        return self.worker.stdin

    def _pipe(self) -> int:
        return int(self._stdin().fileno())
