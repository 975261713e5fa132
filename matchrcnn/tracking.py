"""MLflow as a view of the project's files; the only module that imports mlflow.

The files are the truth. A training streams its curves while it trains; `sync` brings MLflow up to date from the files,
as often as one likes, without duplicates. Tracking that fails is said once and never fails what is tracked.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from matchrcnn.config import CONFIG, WEIGHTS, RunConfig, load_section
from matchrcnn.engine.provenance import Provenance, git_state, hardware
from matchrcnn.engine.summary import TrainingSummary, load_summary
from matchrcnn.files import read_json, sha256

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A server that is down must not hold up a training: one retry, ten seconds, and the files are caught up with later.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

DEFAULT_URI = "sqlite:///mlflow.db"
BATCH = 1000
"""Metrics a call: MLflow takes no more."""


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or a database in the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_URI)


class TrainingTracker:
    """A listener of a training's curves that streams them to MLflow; after a first failure it is silent."""

    def __init__(self, run: RunConfig, summary: TrainingSummary) -> None:
        self._run_id: str | None = None
        with _never_fails("starting a run") as working:
            self._client = _client()
            self._run_id = _unfinished(self._client, summary) or _create(self._client, run, summary)
        self._working = working

    def __call__(self, iteration: int, values: Mapping[str, float]) -> None:
        """Log what was measured at an iteration."""
        if not self._working or self._run_id is None:
            return
        with _never_fails("streaming curves") as self._working:
            _log_metrics(self._client, self._run_id, [(name, value, iteration) for name, value in values.items()])

    def finish(self, folder: Path) -> None:
        """Tie the run to the weights in `models/RUN`, if every curve arrived."""
        if not self._working or self._run_id is None:
            return
        with _never_fails("finishing a run"):
            self._client.set_tag(self._run_id, "model_sha256", sha256(folder / WEIGHTS))
            self._client.set_terminated(self._run_id)


class RunFiles(BaseModel):
    """Where a run's files lie."""

    model: Path
    reports: Path
    provenance: Provenance | None = None


def sync(files: RunFiles, pages: tuple[Path, ...] = ()) -> None:
    """Bring MLflow up to date with a trained run's files; what is there already is left as it is.

    Args:
        files: the run's folders; evaluation files that do not exist yet are caught up with another time.
        pages: report pages to keep with the run.
    """
    with _never_fails(f"bringing {files.model.name} up to date"):
        client = _client()
        run_id, streamed = _find_or_create(client, files)
        _log_once(client, run_id, "curves", files.reports / "curves.csv", _curves, already=streamed)
        _log_once(client, run_id, "metrics", files.reports / "metrics.json", _final_metrics)
        for path in (*sorted(files.model.iterdir()), *sorted(files.reports.glob("*"))):
            if path.is_file():
                _artifact_once(client, run_id, path, "model" if path.parent == files.model else "evaluation")
        for page in pages:
            if page.is_file():
                _artifact_once(client, run_id, page, "report")


def _find_or_create(client: Any, files: RunFiles) -> tuple[str, bool]:  # noqa: ANN401 (mlflow is imported late)
    """The run of these weights, and whether it was there with its curves."""
    summary = load_summary(files.model)
    model = sha256(files.model / WEIGHTS)
    found = _search(client, summary, f"tags.model_sha256 = '{model}'")
    if found:
        return found[0].info.run_id, True
    # What an interrupted or failed stream left behind is not this model's curves: it is logged anew from the files.
    for partial in _search(client, summary, f"tags.training = '{summary.digest}'"):
        if "model_sha256" not in partial.data.tags:
            client.delete_run(partial.info.run_id)
    run_id = _create(client, load_section(files.model / CONFIG, RunConfig), summary, files.provenance)
    client.set_tag(run_id, "model_sha256", model)
    client.set_terminated(run_id)
    return run_id, False


def _create(client: Any, run: RunConfig, summary: TrainingSummary, provenance: Provenance | None = None) -> str:  # noqa: ANN401
    from mlflow.entities import Param

    commit, machine = (provenance.commit, provenance.hardware) if provenance else (git_state()[0], hardware())
    tags = {
        "training": summary.digest,
        "task": run.task,
        "schedule": run.schedule,
        "data": summary.data,
        "data_train_sha256": summary.train_sha256,
        "data_validation_sha256": summary.validation_sha256,
        "mlflow.source.git.commit": commit,
        "hardware": machine,
    }
    for variable in ("DVC_STAGE", "DVC_EXP_NAME"):
        if variable in os.environ:
            tags[variable.lower()] = os.environ[variable]
    created = client.create_run(_experiment(client, summary), tags=tags, run_name=run.name)
    client.log_batch(created.info.run_id, params=[Param(key, value) for key, value in flat_params(run).items()])
    return str(created.info.run_id)


def flat_params(run: RunConfig) -> dict[str, str]:
    """The run's configuration as searchable parameters: `training.base_lr` and so on."""
    flat: dict[str, str] = {}
    for key, value in run.model_dump(mode="json").items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": str(item) for name, item in value.items()}
        else:
            flat[key] = str(value)
    return flat


def flat_metrics(nested: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of metrics.json by their path, `box/overall/AP`; cells without a number are left out."""
    flat: dict[str, float] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flat_metrics(value, f"{prefix}{key}/")
        elif value is not None:
            flat[f"{prefix}{key}"] = float(value)
    return flat


def _log_once(client: Any, run_id: str, name: str, path: Path, read: Any, already: bool = False) -> None:  # noqa: ANN401
    """Log a file's metrics unless the run's tag says that this very file is there."""
    if not path.is_file():
        return
    digest, tag = sha256(path), f"{name}_sha256"
    known = client.get_run(run_id).data.tags.get(tag)
    if known != digest and not (already and known is None):
        _log_metrics(client, run_id, read(path))
    client.set_tag(run_id, tag, digest)


def _artifact_once(client: Any, run_id: str, path: Path, folder: str) -> None:  # noqa: ANN401
    tag, digest = f"artifact.{path.name}", sha256(path)
    if client.get_run(run_id).data.tags.get(tag) != digest:
        client.log_artifact(run_id, str(path), folder)
        client.set_tag(run_id, tag, digest)


def _curves(path: Path) -> list[tuple[str, float, int]]:
    table = pd.read_csv(path, index_col="iteration")
    long = table.melt(ignore_index=False).dropna().reset_index()
    return list(zip(long["variable"], long["value"].astype(float), long["iteration"].astype(int), strict=True))


def _final_metrics(path: Path) -> list[tuple[str, float, int]]:
    return [(name, value, 0) for name, value in flat_metrics(read_json(path)).items()]


def _log_metrics(client: Any, run_id: str, rows: list[tuple[str, float, int]]) -> None:  # noqa: ANN401
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, step) for name, value, step in rows]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def _client() -> Any:  # noqa: ANN401
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri())


def _experiment(client: Any, summary: TrainingSummary) -> str:  # noqa: ANN401
    """The data set's experiment."""
    name = f"{summary.data} {summary.train_sha256[:8]}"
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _search(client: Any, summary: TrainingSummary, condition: str) -> list[Any]:  # noqa: ANN401
    return list(client.search_runs([_experiment(client, summary)], filter_string=condition))


def _unfinished(client: Any, summary: TrainingSummary) -> str | None:  # noqa: ANN401
    """The run that an interrupted training of the same digest streamed to."""
    for found in _search(client, summary, f"tags.training = '{summary.digest}'"):
        if "model_sha256" not in found.data.tags:
            return str(found.info.run_id)
    return None


@contextmanager
def _never_fails(what: str) -> Iterator[list[bool]]:
    """Say what failed instead of failing; yields a list that is truthy while nothing has."""
    working = [True]
    try:
        yield working
    except Exception as error:  # a tracker of any kind, behind any network
        working.clear()
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"MLflow ({tracking_uri()}): {what} failed: {reason:.200}", file=sys.stderr)
        print("The files hold everything; `python -m stages.track` catches up.", file=sys.stderr)
