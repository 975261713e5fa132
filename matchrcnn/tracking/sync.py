"""Bring MLflow up to date from the files of trained runs, as often as you like, without duplicates."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from PIL import Image

from matchrcnn.config import RunConfig, load_section
from matchrcnn.errors import UserError
from matchrcnn.files import sha256
from matchrcnn.paths import numbers
from matchrcnn.project import CONFIG, CURVES, METRICS, TRAINING, Interval, Run, TrainingSummary
from matchrcnn.reporting.titles import metric_name
from matchrcnn.tracking.origin import training_tags
from matchrcnn.tracking.registry import register
from matchrcnn.tracking.store import DIGEST, NOTE, TRACKED, Store, metrics_at, never_fails, say_failed, text_digest
from matchrcnn.tracking.subject import Subject, curve_name, describe

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as LoggedRun

IMAGES = "images"
"""Where MLflow keeps what `log_image` logs."""


@dataclass(frozen=True)
class Picture:
    """A picture of the run's gallery: pictures of one key share one slider, in the order of their steps."""

    key: str
    step: int
    image: Image.Image


class Headline(NamedTuple):
    """A run's first number: the metric in words, its value in 0..1, and its confidence interval if it has one."""

    metric: str
    value: float
    interval: Interval | None


Pictures = Callable[[Run], Iterable[Picture]]
"""Draws a run's pictures."""


def headline(run: Run) -> Headline | None:
    """Return a run's first number; None before it is evaluated."""
    path = run.task.headline_path
    value = run.value(path) if run.evaluated else None
    return None if value is None else Headline(metric_name(path), value, run.interval(path))


def sync(
    runs: Iterable[Run],
    uri: str,
    pages: Sequence[Path] = (),
    patience: float | None = None,
    pictures: Pictures | None = None,
    passed: Callable[[Run], bool] = lambda run: False,
) -> bool:
    """Bring MLflow up to date with trained runs' files; what is there already is left as it is.

    Args:
        runs: trained runs, their files not read yet; an error in a file is a failure like any other.
        uri: the tracking store.
        pages: report pages to keep with each run.
        patience: seconds after which the rest is left to another time; None waits for all of it.
        pictures: draws a run's gallery; called only for runs whose pictures are not in MLflow yet.
        passed: whether a run's model goes into the registry, as its thresholds are reached.

    Returns:
        Whether MLflow is up to date. A store that fails is reported once and not asked again.
    """
    done: list[bool] = []
    thread = Thread(target=lambda: done.append(_sync_all(runs, uri, pages, pictures, passed)), daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        say_failed("bringing runs up to date", uri, f"not done within {patience:g} s")
    return done == [True]


def _sync_all(
    runs: Iterable[Run], uri: str, pages: Sequence[Path], pictures: Pictures | None, passed: Callable[[Run], bool]
) -> bool:
    with never_fails("bringing runs up to date", uri) as working:
        store, catchers = None, []
        for run in runs:
            store = store or Store(uri)
            catchers.append(_Catcher(store, run))
            catchers[-1].catch_up_numbers()
        for catcher in catchers:  # where patience ends here, all runs can be compared already
            catcher.catch_up_files(pages)
            if pictures:
                catcher.catch_up_pictures(pictures)
            if passed(catcher.run):
                catcher.catch_up_registry()
            catcher.remove_double()
    return bool(working)


def _summary(run: Run) -> TrainingSummary:
    if run.training is None:
        raise UserError(f"{run.model / TRAINING}: no such file; train the run again")
    return run.training


class _Catcher:
    """Catches up with one run. What a tag names is there and skipped; each thing is noted once it is there."""

    def __init__(self, store: Store, run: Run) -> None:
        self.store, self.run = store, run
        self.model = sha256(run.weights)
        self.summary, self.headline, self.own = _summary(run), headline(run), run.provenance
        self.subject = self._subject()
        self.logged = self._find()
        self.run_id = str(self.logged.info.run_id)
        self.tracked: dict[str, str] = json.loads(self.logged.data.tags.get(TRACKED, "{}"))

    def _subject(self) -> Subject:
        made = training_tags(self.own["commit"], self.own["hardware"]) if self.own else None
        return describe(self.run, load_section(self.run.model / CONFIG, RunConfig), self.summary, made)

    def _find(self) -> "LoggedRun":
        """Return the run of these weights: known, streamed by a training whose end was not heard of, or created now."""
        if known := self.store.find(self.subject, self.model):
            return known
        run = self.store.unfinished(self.subject)
        if run is None:
            run = self.store.create(self.subject, self._started_ms(), self.model)
        self.store.client.set_tag(run.info.run_id, "model_sha256", self.model)
        end = self._started_ms() + round(self.own["wall_s"] * 1000) if self.own else None
        self.store.client.set_terminated(run.info.run_id, "FINISHED", end)
        return self.store.client.get_run(run.info.run_id)

    def _started_ms(self) -> int:
        """Return when the training started; where that is not known, now."""
        return int((datetime.fromisoformat(self.own["started"]).timestamp() if self.own else time.time()) * 1000)

    def catch_up_numbers(self) -> None:
        """Log what is missing of numbers and description."""
        # The UI's plots take the metric that came first.
        self._once("metrics", self.run.reports / METRICS, self._log_final_metrics)
        self._once("curves", self.run.reports / CURVES, self._log_curves)
        self._describe()

    def catch_up_files(self, pages: Sequence[Path]) -> None:
        """Log what is missing of artifacts."""
        for path in sorted(self.run.model.iterdir()):
            self._artifact(path, "model")
        for path in sorted(self.run.reports.glob("*")):
            self._artifact(path, "evaluation")
        for path in pages:
            self._artifact(path, "report")

    def catch_up_pictures(self, pictures: Pictures) -> None:
        """Log the gallery unless that of these results is there."""
        results = self.run.results_of(self.run.task.judged_by)
        self._once("gallery", results, lambda _: self._log_pictures(pictures))

    def catch_up_registry(self) -> None:
        """Register the model of a run that is evaluated."""
        if self.headline:
            metric, value, _ = self.headline
            register(self.store, self.run_id, self.subject, self.run.model, self.model, metric, value)

    def remove_double(self) -> None:
        """Remove a run of these weights that another process made at the same moment."""
        self.store.find(self.subject, self.model)

    def _once(self, name: str, path: Path, log: Callable[[Path], None]) -> None:
        """Log a file unless the run's tag says that this very file is there."""
        if not path.is_file():
            return
        digest = sha256(path)[:DIGEST]
        if self.tracked.get(name) != digest:
            log(path)
            self._note(name, digest)

    def _note(self, name: str, digest: str) -> None:
        self.tracked[name] = digest
        self.store.client.set_tag(self.run_id, TRACKED, json.dumps(self.tracked))

    def _artifact(self, path: Path, folder: str) -> None:
        self._once(
            f"{folder}/{path.name}", path, lambda file: self.store.client.log_artifact(self.run_id, str(file), folder)
        )

    def _log_curves(self, path: Path) -> None:
        """Log the points that are not there: all, or what a stream did not bring."""
        known = self.store.steps(self.logged)
        missing = [point for point in self._points(path) if point.step not in known.get(point.key, ())]
        self.store.log_metrics(self.run_id, missing)

    def _points(self, path: Path) -> "Iterable[Metric]":
        """Yield the curves' points, their times spread evenly over the training's: the file holds none."""
        start, seconds = self.logged.info.start_time, self.own.get("wall_s", 0.0)
        for iteration, row in pd.read_csv(path, index_col="iteration").iterrows():
            step = int(str(iteration))
            time_ms = start + round(1000 * seconds * step / self.summary.iterations)
            yield from metrics_at({curve_name(str(k)): float(v) for k, v in row.dropna().items()}, step, time_ms)

    def _log_final_metrics(self, _path: Path) -> None:
        """Log what differs from what is there, without a step: the UI then draws bars, not lines of one point."""
        known = self.logged.data.metrics
        new = {name: value for name, value in numbers(self.run.metrics).items() if known.get(name) != value}
        self.store.log_metrics(self.run_id, list(metrics_at(new, 0, int(time.time() * 1000))))

    def _log_pictures(self, pictures: Pictures) -> None:
        """Replace the pictures: `log_image` gives each a name of its own, so another try would add to them."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        if self.store.client.list_artifacts(self.run_id, IMAGES):
            get_artifact_repository(self.logged.info.artifact_uri, self.store.uri).delete_artifacts(IMAGES)
        for picture in pictures(self.run):
            self.store.client.log_image(self.run_id, picture.image, key=picture.key, step=picture.step)

    def _describe(self) -> None:
        """Put the headline over the description, unless someone has written another one."""
        text = "\n\n".join(filter(None, (self._first_number(), self.subject.note)))
        there = self.store.client.get_run(self.run_id).data.tags.get(NOTE, "")
        if there != text and self.tracked.get("note", text_digest("")) == text_digest(there):
            self.store.client.set_tag(self.run_id, NOTE, text)
            self._note("note", text_digest(text))

    def _first_number(self) -> str:
        """Say the run's first number in words."""
        if self.headline is None:
            return ""
        metric, value, interval = self.headline
        limits = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        return f"**{metric} {value:.3f}**{limits} on the validation images of {self.summary.data}."
