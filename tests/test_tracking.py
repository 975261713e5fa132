"""MLflow shows what the files hold, once, and its failures cost nothing."""

from pathlib import Path

import mlflow
import pytest
import torch
from mlflow import MlflowClient

from matchrcnn import tracking
from matchrcnn.config import RunConfig, load_params
from matchrcnn.engine.curves import Curves
from matchrcnn.engine.summary import TrainingSummary, write_summary
from matchrcnn.files import write_json
from matchrcnn.modeling.build import build_model, save_model

SUMMARY = TrainingSummary("test data", "a" * 64, "b" * 64, 10, 20, 5, (), "0123456789abcdef")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for the module: a new one takes MLflow seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(tracking_uri=uri)
    client.create_experiment("test data aaaaaaaa", artifact_location=(folder / "artifacts").as_uri())
    return uri


@pytest.fixture
def client(database: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    client = MlflowClient(tracking_uri=database)
    for run in all_runs(client):
        client.delete_run(run.info.run_id)
    return client


@pytest.fixture
def config(request: pytest.FixtureRequest) -> RunConfig:
    return load_params(request.config.rootpath / "pipelines" / "sample.yaml").run("detection")


@pytest.fixture
def files(tmp_path: Path, config: RunConfig) -> tracking.RunFiles:
    """A trained run's files, weights untrained."""
    files = tracking.RunFiles(model=tmp_path / "models/detection", reports=tmp_path / "reports/detection")
    save_model(build_model(config, torch.device("cpu")), config, files.model)
    write_summary(SUMMARY, config, files.model)
    curves = Curves()
    for iteration in (2, 4):
        curves.add({"total_loss": 1 / iteration})
        curves.close_window(iteration, {"lr": 0.1}, {})
    curves.write(files.reports / "curves.csv")
    return files


def all_runs(client: MlflowClient) -> list[mlflow.entities.Run]:
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments))


def streamed(config: RunConfig, model: Path | None) -> None:
    """What a training tells its tracker."""
    tracker = tracking.TrainingTracker(config, SUMMARY)
    for iteration in (2, 4):
        tracker(iteration, {"lr": 0.1, "total_loss": 1 / iteration})
    if model:
        tracker.finish(model)


def test_syncing_twice_makes_one_run_without_duplicates(
    client: MlflowClient, files: tracking.RunFiles, config: RunConfig
) -> None:
    write_json(files.reports / "metrics.json", {"box": {"overall": {"AP": 0.5, "AP50": None}}})
    for _ in range(2):
        tracking.sync(files)
    (run,) = all_runs(client)
    assert run.data.metrics["box/overall/AP"] == 0.5
    assert "box/overall/AP50" not in run.data.metrics
    assert [point.value for point in client.get_metric_history(run.info.run_id, "total_loss")] == [0.5, 0.25]
    assert run.data.params["training.minibatch"] == str(config.training.minibatch)
    assert {entry.path for entry in client.list_artifacts(run.info.run_id, "model")} == {
        "model/card.md", "model/config.yaml", "model/model.safetensors", "model/training.json",
    }  # fmt: skip


def test_evaluation_joins_the_run_that_the_training_streamed(
    client: MlflowClient, files: tracking.RunFiles, config: RunConfig
) -> None:
    streamed(config, files.model)
    write_json(files.reports / "metrics.json", {"box": {"overall": {"AP": 0.5}}})
    tracking.sync(files)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["box/overall/AP"] == 0.5
    assert len(client.get_metric_history(run.info.run_id, "total_loss")) == 2


def test_a_stream_that_broke_off_is_replaced_by_the_files(
    client: MlflowClient, files: tracking.RunFiles, config: RunConfig
) -> None:
    streamed(config, model=None)
    tracking.sync(files)
    (run,) = all_runs(client)
    assert "model_sha256" in run.data.tags
    assert len(client.get_metric_history(run.info.run_id, "total_loss")) == 2


def test_an_interrupted_training_goes_on_in_its_run(
    client: MlflowClient, files: tracking.RunFiles, config: RunConfig
) -> None:
    streamed(config, model=None)
    tracker = tracking.TrainingTracker(config, SUMMARY)
    tracker(6, {"total_loss": 0.1})
    tracker.finish(files.model)
    (run,) = all_runs(client)
    assert run.data.metrics["total_loss"] == 0.1


def test_new_metrics_of_the_same_weights_replace_the_old(client: MlflowClient, files: tracking.RunFiles) -> None:
    for value in (0.5, 0.75):
        write_json(files.reports / "metrics.json", {"box": {"overall": {"AP": value}}})
        tracking.sync(files)
    (run,) = all_runs(client)
    assert run.data.metrics["box/overall/AP"] == 0.75


def test_a_store_that_fails_is_said_and_fails_nothing(
    files: tracking.RunFiles, config: RunConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    streamed(config, files.model)
    tracking.sync(files)
    said = capsys.readouterr().err
    assert said.count("starting a run failed") == 1
    assert "streaming" not in said
    assert "stages.track" in said
