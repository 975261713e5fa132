"""MLflow shows what the files hold, once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from matchrcnn.config import RunConfig
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.project import INTERVALS, METRICS, Run
from matchrcnn.tracking.store import NOTE, Store
from matchrcnn.tracking.sync import Picture, sync
from tests.support.tracked_store import Tracked, reread

NUMBERS = {"box": {"overall": {"AP": 0.5, "AP50": None}}}


def test_syncing_twice_makes_one_run_without_duplicates(tracked: Tracked, run: Run, config: RunConfig) -> None:
    write_json(run.reports / METRICS, NUMBERS)
    page = run.project.reports / "benchmarks.md"
    write_text(page, "# Benchmarks")
    for _ in range(2):
        assert sync([run], tracked.uri, [page])
    logged = tracked.run()
    assert logged.info.status == "FINISHED"
    assert logged.data.params["training.minibatch"] == str(config.training.minibatch)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert tracked.points("box/overall/AP") == [(0, 0.5)]
    assert "box/overall/AP50" not in logged.data.metrics
    assert tracked.artifacts("model") == ["card.md", "config.yaml", "model.safetensors", "training.json"]
    assert tracked.artifacts("report") == ["benchmarks.md"]


def test_data_sets_are_inputs_with_their_digest(tracked: Tracked, run: Run) -> None:
    for _ in range(2):
        sync([run], tracked.uri)
    inputs = {entry.tags[0].value: entry.dataset for entry in tracked.run().inputs.dataset_inputs}
    assert {context: dataset.digest for context, dataset in inputs.items()} == {
        "training": "a" * 16, "validation": "b" * 16,
    }  # fmt: skip
    assert json.loads(inputs["training"].profile) == {"images": 10, "items": 20}


def test_an_experiment_holds_the_runs_of_one_data_set(tracked: Tracked, run: Run) -> None:
    sync([run], tracked.uri)
    experiment = tracked.client.get_experiment(tracked.run().info.experiment_id)
    assert experiment.name == "test data aaaaaaaa"
    assert "10 images, 20 items" in experiment.tags[NOTE]


def trained_on_gpus(run: Run, model: str) -> None:
    own = {"commit": "c0ffee", "dirty": False, "started": "2026-01-02T03:04:05Z", "wall_s": 100.0}
    write_json(run.provenance_file, {"model": model, **own, "hardware": "3 x GPU", "versions": {}})


def test_times_are_those_of_the_training(tracked: Tracked, run: Run) -> None:
    trained_on_gpus(run, sha256(run.weights))
    sync([run], tracked.uri)
    logged = tracked.run()
    assert logged.info.end_time - logged.info.start_time == 100_000
    assert logged.data.tags["hardware"] == "3 x GPU"
    assert logged.data.tags["mlflow.source.git.commit"] == "c0ffee"
    first, last = tracked.client.get_metric_history(logged.info.run_id, "training/total_loss")
    assert (last.timestamp - first.timestamp, logged.info.end_time - last.timestamp) == (50_000, 0)


def test_another_models_provenance_is_not_told(tracked: Tracked, run: Run) -> None:
    trained_on_gpus(run, "0" * 64)
    sync([run], tracked.uri)
    assert "hardware" not in tracked.run().data.tags


def test_other_weights_are_another_run(tracked: Tracked, make_run: Callable[..., Run]) -> None:
    for weights in ("first", "second"):
        sync([make_run(weights)], tracked.uri)
    assert len({run.data.tags["model_sha256"] for run in tracked.runs()}) == 2


def test_new_metrics_of_the_same_weights_replace_the_old(tracked: Tracked, run: Run) -> None:
    for value in (0.5, 0.75, 0.25):
        write_json(run.reports / METRICS, {"box": {"overall": {"AP": value}}})
        sync([reread(run)], tracked.uri)
    assert tracked.run().data.metrics["box/overall/AP"] == 0.25


def test_what_broke_off_is_completed_and_not_repeated(
    tracked: Tracked, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(run.reports / METRICS, NUMBERS)
    whole = Store.log_metrics

    def half(store: Store, run_id: str, metrics: list) -> None:
        whole(store, run_id, metrics[: len(metrics) // 2])
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "log_metrics", half)
        assert not sync([run], tracked.uri)
    assert "the line is dead" in capsys.readouterr().err
    assert sync([run], tracked.uri)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert tracked.points("box/overall/AP") == [(0, 0.5)]


def test_the_numbers_of_all_runs_are_there_before_the_files_of_any(
    tracked: Tracked, make_run: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_run(), make_run("other weights", "second")
    write_json(first.reports / METRICS, NUMBERS)
    write_json(second.reports / METRICS, NUMBERS)
    write_json(first.result_file("boxes"), [])

    def too_slow(_run: Run) -> list[Picture]:
        raise TimeoutError("patience is over")

    assert not sync([first, second], tracked.uri, pictures=too_slow)
    assert "patience is over" in capsys.readouterr().err
    assert [run.data.metrics["box/overall/AP"] for run in tracked.runs()] == [0.5, 0.5]


def test_two_that_catch_up_at_once_make_one_run(tracked: Tracked, run: Run) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: sync([run], tracked.uri), range(2)))
    assert len(tracked.runs()) == 1
    assert sync([run], tracked.uri)
    assert len(tracked.points("training/total_loss")) == 2


def test_pictures_of_the_gallery_are_there_once(tracked: Tracked, run: Run) -> None:
    drawn = []

    def pictures(_run: Run) -> list[Picture]:
        drawn.append(1)
        return [Picture("gallery/best", step, Image.new("RGB", (8, 8))) for step in (1, 2)]

    for content in ("[]", "[]", "[1]"):
        write_text(run.result_file("boxes"), content)
        sync([run], tracked.uri, pictures=pictures)
    names = [name for name in tracked.artifacts("images") if name.endswith(".png")]
    assert sorted(name.partition("+timestamp")[0] for name in names) == [
        "gallery~best+step+1", "gallery~best+step+2",
    ]  # fmt: skip
    assert len(drawn) == 2


def test_the_description_follows_the_numbers_until_someone_edits_it(tracked: Tracked, run: Run) -> None:
    write_json(run.reports / INTERVALS, {"box": {"overall": {"AP": [0.25, 1.0]}}})
    for value in (0.5, 0.75):
        write_json(run.reports / METRICS, {"box": {"overall": {"AP": value}}})
        sync([reread(run)], tracked.uri)
        assert tracked.run().data.tags[NOTE].startswith(f"**box AP {value:.3f}** (0.250 to 1.000)")
    tracked.client.set_tag(tracked.run().info.run_id, NOTE, "mine")
    write_json(run.reports / METRICS, {"box": {"overall": {"AP": 0.9}}})
    sync([reread(run)], tracked.uri)
    assert tracked.run().data.tags[NOTE] == "mine"
