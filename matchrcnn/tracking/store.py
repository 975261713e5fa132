"""The tracking store: where it is, how it keeps runs of this project, and what a failure of it means."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from matchrcnn.tracking.subject import TRAINING, Subject

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

BATCH = 1000
"""Metrics a call: MLflow takes no more."""

DIGEST = 16
"""Hex digits of a data set's digest: MLflow takes at most 36."""

NOTE = "mlflow.note.content"
TRACKED = "mlflow.matchrcnn.tracked"
"""Tag that says which files are in MLflow already: {name: first digits of the SHA-256}, as JSON."""

CREATED = "mlflow.matchrcnn.created"


def tracking_uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI, or a database in the project's own folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"


def shown_uri(uri: str) -> str:
    """Hide the password in a URI."""
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri


def is_server(uri: str) -> bool:
    """Return whether a URI names an MLflow server, not a database."""
    return uri.startswith(("http://", "https://"))


class Store:
    """A tracking store, and this project's runs in it. Every method may fail as a database or network does."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient

        # The driver that is locked; SQLAlchemy's own default is another one.
        self.uri = uri.replace("postgresql://", "postgresql+psycopg2://", 1)
        self.client = MlflowClient(tracking_uri=self.uri)

    def experiment(self, subject: Subject) -> str:
        """Return the id of a data set's experiment; create it where it is missing."""
        found = self.client.get_experiment_by_name(subject.experiment)
        if found:
            return str(found.experiment_id)
        tags = {
            # The UI opens on the runs, not on traces of language models.
            "mlflow.experimentKind": "custom_model_development",
            "mlflow.experiment.primaryMetric.name": "box/overall/AP",  # every task has it
            "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
            NOTE: f"Runs trained on {subject.data}: {subject.images:,} images, {subject.items:,} items, training "
            f"annotations sha256 `{subject.train_sha256[:DIGEST]}`. Numbers of runs in here can be compared.",
        }
        location = None if is_server(self.uri) else self._artifacts(subject)
        return str(self.client.create_experiment(subject.experiment, location, tags))

    def _artifacts(self, subject: Subject) -> str:
        """Return a folder next to the database where that is a file, else in the working folder."""
        _, _, path = self.uri.partition("sqlite:///")
        return (Path(path).resolve().parent / "mlruns" / subject.train_sha256[:DIGEST]).as_uri()

    def find(self, subject: Subject, model: str) -> "Run | None":
        """Return the run of these weights; of several that were made at the same moment the first stays."""
        found = self._search(subject, f" and tags.model_sha256 = '{model}'")
        for other in found[1:]:
            self.client.delete_run(other.info.run_id)
        return found[0] if found else None

    def unfinished(self, subject: Subject) -> "Run | None":
        """Return the run that an interrupted training of the same digest streamed to."""
        runs = self._search(subject, "")
        return next((run for run in runs if "model_sha256" not in run.data.tags), None)

    def _search(self, subject: Subject, condition: str) -> "list[Run]":
        """Return runs of a training, the oldest first."""
        found = self.client.search_runs(
            [self.experiment(subject)],
            filter_string=f"tags.`{TRAINING}` = '{subject.training}'{condition}",
        )
        return sorted(found, key=lambda run: (run.data.tags.get(CREATED, ""), run.info.run_id))

    def create(self, subject: Subject, started: int | None = None, model: str | None = None) -> "Run":
        """Create a run, or find the one that another process created meanwhile."""
        from mlflow.entities import Param

        tags = {**subject.tags, NOTE: subject.note, CREATED: f"{time.time_ns():020d}"}
        tags[TRACKED] = json.dumps({"note": text_digest(subject.note)})
        if model:
            tags["model_sha256"] = model
        made = self.client.create_run(self.experiment(subject), started, tags, subject.name)
        kept = self.find(subject, model) if model else self.unfinished(subject)
        if kept and kept.info.run_id != made.info.run_id:
            self.client.delete_run(made.info.run_id)
            return kept
        params = [Param(key, value) for key, value in subject.params.items()]
        for start in range(0, len(params), 100):
            self.client.log_batch(made.info.run_id, params=params[start : start + 100])
        self.client.log_inputs(made.info.run_id, _datasets(subject))
        return made

    def steps(self, run: "Run") -> dict[str, set[int]]:
        """Return the steps at which each of a run's metrics is known."""
        return {
            name: {point.step for point in self.client.get_metric_history(run.info.run_id, name)}
            for name in run.data.metrics
        }

    def log_metrics(self, run_id: str, metrics: "list[Metric]") -> None:
        """Log metrics in as few calls as possible."""
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def metrics_at(values: Mapping[str, float], step: int, time_ms: int) -> "Iterable[Metric]":
    """Return MLflow's metrics of named values at a step."""
    from mlflow.entities import Metric

    return [Metric(name, value, time_ms, step) for name, value in values.items()]


def text_digest(text: str) -> str:
    """Return the first digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


def _datasets(subject: Subject) -> list[Any]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    digests = {"training": subject.train_sha256, "validation": subject.validation_sha256}
    files = {"training": subject.train_file, "validation": subject.validation_file}
    profiles = {"training": json.dumps({"images": subject.images, "items": subject.items}), "validation": None}
    return [
        DatasetInput(
            Dataset(
                name=f"{subject.data}, {context}",
                digest=digest[:DIGEST],
                source_type="local",
                source=json.dumps({"uri": files[context]}),
                profile=profiles[context],
            ),
            [InputTag("mlflow.data.context", context)],
        )
        for context, digest in digests.items()
    ]


@contextmanager
def never_fails(what: str, uri: str, silent: bool = False) -> Iterator[list[bool]]:
    """Say what failed instead of failing, unless silent; yields a list that is truthy while nothing has."""
    working = [True]
    try:
        yield working
    except Exception as error:  # a tracker of any kind, behind any network
        working.clear()
        if not silent:
            say_failed(what, uri, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)


def say_failed(what: str, uri: str, reason: str) -> None:
    """Print what did not get into MLflow and why, then why that does not matter."""
    password = urlsplit(uri).password
    reason = reason.replace(password, "***") if password else reason
    print(f"MLflow ({shown_uri(uri)}): {what} failed: {reason:.200}", file=sys.stderr)
    print("The files hold everything; `python -m tools.track` catches up.", file=sys.stderr)
