"""A tracking database, and a trained run's files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from matchrcnn.config import CONFIG, WEIGHTS, Params, RunConfig, dump
from matchrcnn.files import write_text
from matchrcnn.tracking.subject import Subject, describe
from matchrcnn.tracking.sync import RunFiles
from matchrcnn.training.curves import Curves
from matchrcnn.training.summary import write_summary
from tests.support.tracked_store import SUMMARY, Tracked


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests: a new one takes MLflow seconds."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    MlflowClient(tracking_uri=uri).search_experiments()
    return uri


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
