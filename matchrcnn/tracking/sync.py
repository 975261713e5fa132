"""Bring MLflow up to date from the files of trained runs, as often as one likes, without duplicates."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from matchrcnn.config import CONFIG, WEIGHTS, RunConfig, load_section
from matchrcnn.files import read_json, sha256
from matchrcnn.tracking.registry import register
from matchrcnn.tracking.store import DIGEST, NOTE, TRACKED, Store, metrics_at, never_fails, say_failed, text_digest
from matchrcnn.tracking.subject import Subject, curve_name, describe, flat_metrics
from matchrcnn.training.provenance import Provenance
from matchrcnn.training.summary import load_summary

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

IMAGES = "images"
"""Where MLflow keeps what `log_image` logs."""


@dataclass(frozen=True)
class Picture:
    """A picture of the run's gallery: pictures of one key lie behind one slider, in the order of their steps."""

    key: str
    step: int
    image: Image.Image


@dataclass(frozen=True)
class RunFiles:
    """A trained run's files, and what its stage knows beyond them.

    Attributes:
        model: models/RUN.
        reports: reports/RUN; evaluation files that do not exist yet are caught up with another time.
        provenance: of the training, where it ran on this machine.
        base: the run as its preset has it.
        headline: the run's first number: its name, value and interval; None before it is evaluated.
        results: the file that the pictures are drawn from.
        pictures: draws them; called only when they are not in MLflow yet.
        register: whether its model goes into the registry: it reached its thresholds.
    """

    model: Path
    reports: Path
    provenance: Provenance | None = None
    base: RunConfig | None = None
    tags: tuple[tuple[str, str], ...] = ()
    headline: tuple[str, float, tuple[float, float] | None] | None = None
    results: Path | None = None
    pictures: Callable[[], Iterable[Picture]] | None = None
    register: bool = False


def sync(runs: Iterable[RunFiles], uri: str, pages: Sequence[Path] = (), patience: float | None = None) -> bool:
    """Bring MLflow up to date with trained runs' files; what is there already is left as it is.

    Args:
        runs: trained runs; what goes wrong while they are looked up is a failure like any other.
        uri: the tracking store.
        pages: report pages to keep with each run.
        patience: seconds after which the rest is left to another time; None waits for all of it.

    Returns:
        Whether MLflow is up to date. A store that fails is said once and not asked again.
    """
    done: list[bool] = []
    thread = Thread(target=lambda: done.append(_sync_all(runs, uri, pages)), daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        say_failed("bringing runs up to date", uri, f"not done within {patience:g} s")
    return done == [True]


def _sync_all(runs: Iterable[RunFiles], uri: str, pages: Sequence[Path]) -> bool:
    with never_fails("bringing runs up to date", uri) as working:
        store, catchers = None, []
        for files in runs:
            store = store or Store(uri)
            catchers.append(_Catcher(store, files))
            catchers[-1].catch_up_numbers()
        for catcher in catchers:  # where patience ends here, all runs can be compared already
            catcher.catch_up_files(pages)
    return bool(working)


class _Catcher:
    """Catches up with one run. What a tag says to be there is passed over; each thing is noted when it is there."""

    def __init__(self, store: Store, files: RunFiles) -> None:
        self.store, self.files = store, files
        self.model = sha256(files.model / WEIGHTS)
        self.summary = load_summary(files.model)
        self.own = files.provenance if files.provenance and files.provenance.model == self.model else None
        self.subject = self._subject()
        self.run = self._find()
        self.run_id = str(self.run.info.run_id)
        self.tracked: dict[str, str] = json.loads(self.run.data.tags.get(TRACKED, "{}"))

    def _subject(self) -> Subject:
        tags = dict(self.files.tags)
        if self.own:
            tags |= {"mlflow.source.git.commit": self.own.commit, "hardware": self.own.hardware}
        return describe(load_section(self.files.model / CONFIG, RunConfig), self.summary, self.files.base, tags)

    def _find(self) -> "Run":
        """The run of these weights: known, or streamed by a training that ended unheard, or made now."""
        if known := self.store.find(self.subject, self.model):
            return known
        run = self.store.unfinished(self.subject)
        if run is None:
            run = self.store.create(self.subject, self._started_ms(), self.model)
        self.store.client.set_tag(run.info.run_id, "model_sha256", self.model)
        end = None if self.own is None else self._started_ms() + round(self.own.wall_s * 1000)
        self.store.client.set_terminated(run.info.run_id, "FINISHED", end)
        return self.store.client.get_run(run.info.run_id)

    def _started_ms(self) -> int:
        """When the training started; where that is not known, now."""
        return int((datetime.fromisoformat(self.own.started).timestamp() if self.own else time.time()) * 1000)

    def catch_up_numbers(self) -> None:
        """Log what is missing of numbers and description."""
        # The UI's plots take the metric that came first.
        self._once("metrics", self.files.reports / "metrics.json", self._log_final_metrics)
        self._once("curves", self.files.reports / "curves.csv", self._log_curves)
        self._describe()

    def catch_up_files(self, pages: Sequence[Path]) -> None:
        """Log what is missing of artifacts, pictures and the registered model."""
        for path in sorted(self.files.model.iterdir()):
            self._artifact(path, "model")
        for path in sorted(self.files.reports.glob("*")):
            self._artifact(path, "evaluation")
        for path in pages:
            self._artifact(path, "report")
        if self.files.results and self.files.pictures:
            self._once("gallery", self.files.results, self._log_pictures)
        if self.files.register and self.files.headline:
            metric, value, _ = self.files.headline
            register(self.store, self.run_id, self.subject, self.files.model, self.model, metric, value)
        self.store.find(self.subject, self.model)  # another process may have made the same run at the same moment

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
        known = self.store.steps(self.run)
        missing = [point for point in self._points(path) if point.step not in known.get(point.key, ())]
        self.store.log_metrics(self.run_id, missing)

    def _points(self, path: Path) -> "Iterable[Metric]":
        """The curves' points, their times spread evenly over the training's: the file holds none."""
        start, seconds = self.run.info.start_time, self.own.wall_s if self.own else 0.0
        for iteration, row in pd.read_csv(path, index_col="iteration").iterrows():
            step = int(str(iteration))
            time_ms = start + round(1000 * seconds * step / self.summary.iterations)
            yield from metrics_at({curve_name(str(k)): float(v) for k, v in row.dropna().items()}, step, time_ms)

    def _log_final_metrics(self, path: Path) -> None:
        """Log what differs from what is there, without a step: the UI then draws bars, not lines of one point."""
        known = self.run.data.metrics
        new = {name: value for name, value in flat_metrics(read_json(path)).items() if known.get(name) != value}
        self.store.log_metrics(self.run_id, list(metrics_at(new, 0, int(time.time() * 1000))))

    def _log_pictures(self, _results: Path) -> None:
        """Replace the pictures: `log_image` gives each a name of its own, so another try would add to them."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        assert self.files.pictures is not None
        if self.store.client.list_artifacts(self.run_id, IMAGES):
            get_artifact_repository(self.run.info.artifact_uri, self.store.uri).delete_artifacts(IMAGES)
        for picture in self.files.pictures():
            self.store.client.log_image(self.run_id, picture.image, key=picture.key, step=picture.step)

    def _describe(self) -> None:
        """Put the headline over the description, unless someone has written another one."""
        text = "\n\n".join(filter(None, (self._headline(), self.subject.note)))
        there = self.store.client.get_run(self.run_id).data.tags.get(NOTE, "")
        if there != text and self.tracked.get("note", text_digest("")) == text_digest(there):
            self.store.client.set_tag(self.run_id, NOTE, text)
            self._note("note", text_digest(text))

    def _headline(self) -> str:
        """The run's first number in words."""
        if self.files.headline is None:
            return ""
        metric, value, interval = self.files.headline
        limits = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        return f"**{metric} {value:.3f}**{limits} on the validation images of {self.summary.data}."
