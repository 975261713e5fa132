"""A tracking database, and a trained run's files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from matchrcnn.config import Params, RunConfig, dump
from matchrcnn.files import write_text
from matchrcnn.project import CONFIG, CURVES, Project, Run
from matchrcnn.tracking.subject import Subject, describe
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
def subject(make_run: Callable[..., Run], config: RunConfig) -> Subject:
    return describe(make_run(), config, SUMMARY)


@pytest.fixture
def make_run(tmp_path: Path, sample_preset: Params) -> Callable[..., Run]:
    """Makes a trained run; the weights are any bytes, MLflow does not read them."""

    def make(weights: str = "weights", name: str = "detection") -> Run:
        params = sample_preset.model_copy(update={"runs": sample_preset.runs | {name: sample_preset.runs["detection"]}})
        run = Project(tmp_path, params).run(name)
        write_text(run.weights, weights)
        write_text(run.model / CONFIG, dump(run.settings))
        write_summary(SUMMARY, run.settings, run.model)
        curves = Curves()
        for iteration in (2, 4):
            curves.add({"total_loss": 1 / iteration})
            curves.close_window(iteration, {"lr": 0.1}, {})
        curves.write(run.reports / CURVES)
        return run

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run()
