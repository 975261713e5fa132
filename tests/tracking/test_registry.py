"""Runs that reached their thresholds are registered models that answer over HTTP."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matchrcnn.config import Params
from matchrcnn.files import write_json, write_text
from matchrcnn.inference.predictor import Predictor
from matchrcnn.modeling.build import build_model, pick_device, save_model
from matchrcnn.project import METRICS, Run
from matchrcnn.tracking import registry
from matchrcnn.tracking.sync import sync
from tests.support.tracked_store import Tracked, free_port, mlflow_command

NAME = "test-data-aaaaaaaa-detection"


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered is looked at, not the model's files."""
    monkeypatch.setattr(registry, "write_model", lambda folder, output: write_text(output / "MLmodel", "flavors: {}"))


@pytest.fixture
def registered(tracked: Tracked) -> Iterator[Callable[[], dict[str, Any]]]:
    """Versions, and which is the champion."""

    def look() -> dict[str, Any]:
        versions = tracked.client.search_model_versions(f"name = '{NAME}'")
        if not versions:
            return {"versions": {}, "champion": None}
        champion = tracked.client.get_model_version_by_alias(NAME, "champion")
        return {
            "versions": {version.tags["headline"]: version.run_id for version in versions},
            "champion": champion.tags["headline"],
        }

    yield look
    if tracked.client.search_registered_models(f"name = '{NAME}'"):
        tracked.client.delete_registered_model(NAME)


@pytest.mark.usefixtures("without_files")
def test_only_runs_that_passed_are_registered_and_the_best_is_champion(
    tracked: Tracked, make_run: Callable[..., Run], registered: Callable[[], dict[str, Any]]
) -> None:
    def evaluated(weights: str, value: float) -> Run:
        run = make_run(weights)
        write_json(run.reports / METRICS, {"box": {"overall": {"AP": value}}})
        return run

    sync([evaluated("failed", 0.9)], tracked.uri)
    assert registered()["versions"] == {}
    for value, weights in ((0.5, "first"), (0.7, "better"), (0.6, "worse"), (0.7, "better")):
        assert sync([evaluated(weights, value)], tracked.uri, passed=lambda run: True)
    assert list(registered()["versions"]) == ["0.6", "0.7", "0.5"]
    assert registered()["champion"] == "0.7"
    assert set(registered()["versions"].values()) < {run.info.run_id for run in tracked.runs()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sample_preset: Params) -> Path:
    """A segmentation run of drawn weights that finds garments everywhere."""
    folder = tmp_path_factory.mktemp("served") / "segmentation"
    values = sample_preset.model_dump()
    values["model"] |= {"shorter_edge": 64, "longer_edge": 104, "proposals_after_nms": (20, 8)}
    values["inference"] |= {"score_threshold": 0.05, "detections_per_image": 5}
    values["runs"] = {"segmentation": {"task": "segmentation", "schedule": "1x", "init_from": "initial"}}
    run = Params.model_validate(values | {"check": {}}).run("segmentation")
    save_model(build_model(run, pick_device("cpu")), run, folder)
    return folder


@pytest.fixture(scope="module")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`mlflow models serve`, away from this repository: the model brings its code along."""
    folder, port = tmp_path_factory.mktemp("elsewhere"), free_port()
    registry.write_model(trained, folder / "model")
    where = f"http://127.0.0.1:{port}"
    command = ["models", "serve", "-m", "model", "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    with mlflow_command(folder, *command, "--workers", "1", answers=f"{where}/ping"):
        yield f"{where}/invocations"


def ask(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["message"]


@pytest.mark.documents("docs/mlflow.md", "mlflow models serve")
@pytest.mark.slow
def test_a_served_model_answers_with_what_the_predictor_finds(server: str, trained: Path, tiny_root: Path) -> None:
    photo = min((tiny_root / "validation" / "image").iterdir())
    content = base64.b64encode(photo.read_bytes()).decode()
    expected = Predictor.load(trained, min_score=0.0)(photo)
    assert expected
    for body in ({"dataframe_records": [{"image": content}]}, {"inputs": {"image": [content]}}):
        status, found = ask(server, body | {"params": {"min_score": 0.0}})
        assert status == 200
        assert [row["category"] for row in found] == [garment.category for garment in expected]
        assert [row["mask"] for row in found] == [garment.rle["counts"] for garment in expected if garment.rle]
        assert [row["x2"] for row in found] == pytest.approx([garment.box[2] for garment in expected], abs=1e-3)
    assert ask(server, {"dataframe_records": [{"image": content}], "params": {"min_score": 1.0}}) == (200, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"dataframe_records": [{"image": base64.b64encode(b"no picture").decode()}]}, "image 0: "),
        ({"dataframe_records": [{"picture": ""}]}, "missing inputs ['image']"),
        ({"dataframe_records": [{"image": ""}], "params": {"min_score": 7}}, "min_score: 7.0 is not within 0..1"),
    ],
)
def test_a_client_that_errs_is_told_what(server: str, body: dict[str, Any], said: str) -> None:
    status, message = ask(server, body)
    assert status == 400
    assert said in message
