"""A tracking database, and a trained run's files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from matchrcnn.config import CONFIG, WEIGHTS, Params, RunConfig, dump
from matchrcnn.engine.curves import Curves
from matchrcnn.engine.summary import TrainingSummary, write_summary
from matchrcnn.files import write_text
from matchrcnn.tracking.subject import Subject, describe
from matchrcnn.tracking.sync import RunFiles

SUMMARY = TrainingSummary("test data", "a" * 64, "b" * 64, 10, 20, 4, (), "0123456789abcdef")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests: a new one takes MLflow seconds."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    MlflowClient(tracking_uri=uri).search_experiments()
    return uri


class Tracked:
    """A tracking store as a test looks at it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri)

    def runs(self) -> list[Run]:
        """Every run that is not deleted."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return list(self.client.search_runs(experiments))

    def run(self) -> Run:
        """The only one."""
        (run,) = self.runs()
        return run

    def points(self, name: str) -> list[tuple[int, float]]:
        """The points of a metric of the only run, as they were logged."""
        history = self.client.get_metric_history(self.run().info.run_id, name)
        return sorted((point.step, point.value) for point in history)

    def artifacts(self, folder: str) -> list[str]:
        """Names of the only run's artifacts in a folder."""
        return [entry.path.rpartition("/")[2] for entry in self.client.list_artifacts(self.run().info.run_id, folder)]


@pytest.fixture
def tracked(database: str) -> Tracked:
    """The database, without runs."""
    store = Tracked(database)
    for run in store.runs():
        store.client.delete_run(run.info.run_id)
    return store


@pytest.fixture
def config(sample_preset: Params) -> RunConfig:
    return sample_preset.run("detection")


@pytest.fixture
def subject(config: RunConfig) -> Subject:
    return describe(config, SUMMARY, base=config, tags={"preset": "sample"})


@pytest.fixture
def make_files(tmp_path: Path, config: RunConfig) -> Callable[..., RunFiles]:
    """Makes a trained run's files; the weights are any bytes, MLflow does not read them."""

    def make(weights: str = "weights", **more: object) -> RunFiles:
        files = RunFiles(model=tmp_path / "models/detection", reports=tmp_path / "reports/detection", **more)
        write_text(files.model / WEIGHTS, weights)
        write_text(files.model / CONFIG, dump(config))
        write_summary(SUMMARY, config, files.model)
        curves = Curves()
        for iteration in (2, 4):
            curves.add({"total_loss": 1 / iteration})
            curves.close_window(iteration, {"lr": 0.1}, {})
        curves.write(files.reports / "curves.csv")
        return files

    return make


@pytest.fixture
def files(make_files: Callable[..., RunFiles]) -> RunFiles:
    return make_files()
