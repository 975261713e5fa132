"""MLflow shows what the files hold, once."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from matchrcnn.config import RunConfig
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.tracking.store import NOTE, Store
from matchrcnn.tracking.subject import Subject
from matchrcnn.tracking.sync import Picture, RunFiles, sync
from matchrcnn.training.provenance import Provenance
from tests.support.tracked_store import Tracked

METRICS = {"box": {"overall": {"AP": 0.5, "AP50": None}}}


def test_syncing_twice_makes_one_run_without_duplicates(tracked: Tracked, files: RunFiles, config: RunConfig) -> None:
    write_json(files.reports / "metrics.json", METRICS)
    page = files.reports.parent / "benchmarks.md"
    write_text(page, "# Benchmarks")
    for _ in range(2):
        assert sync([files], tracked.uri, [page])
    run = tracked.run()
    assert run.info.status == "FINISHED"
    assert run.data.params["training.minibatch"] == str(config.training.minibatch)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert tracked.points("box/overall/AP") == [(0, 0.5)]
    assert "box/overall/AP50" not in run.data.metrics
    assert tracked.artifacts("model") == ["card.md", "config.yaml", "model.safetensors", "training.json"]
    assert tracked.artifacts("report") == ["benchmarks.md"]


def test_data_sets_are_inputs_with_their_digest(tracked: Tracked, files: RunFiles) -> None:
    for _ in range(2):
        sync([files], tracked.uri)
    inputs = {entry.tags[0].value: entry.dataset for entry in tracked.run().inputs.dataset_inputs}
    assert {context: dataset.digest for context, dataset in inputs.items()} == {
        "training": "a" * 16, "validation": "b" * 16,
    }  # fmt: skip
    assert json.loads(inputs["training"].profile) == {"images": 10, "items": 20}


def test_an_experiment_holds_the_runs_of_one_data_set(tracked: Tracked, files: RunFiles) -> None:
    sync([files], tracked.uri)
    experiment = tracked.client.get_experiment(tracked.run().info.experiment_id)
    assert experiment.name == "test data aaaaaaaa"
    assert "10 images, 20 items" in experiment.tags[NOTE]


def test_times_are_those_of_the_training(tracked: Tracked, make_files: Callable[..., RunFiles]) -> None:
    own = Provenance("", "c0ffee", False, "2026-01-02T03:04:05Z", 100.0, "3 x GPU", {})
    files = make_files()
    model = sha256(files.model / "model.safetensors")
    known = RunFiles(files.model, files.reports, Provenance(**{**own.__dict__, "model": model}))
    sync([known], tracked.uri)
    run = tracked.run()
    assert run.info.end_time - run.info.start_time == 100_000
    assert run.data.tags["hardware"] == "3 x GPU"
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    first, last = tracked.client.get_metric_history(run.info.run_id, "training/total_loss")
    assert (last.timestamp - first.timestamp, run.info.end_time - last.timestamp) == (50_000, 0)


def test_another_models_provenance_is_not_told(tracked: Tracked, make_files: Callable[..., RunFiles]) -> None:
    own = Provenance("0" * 64, "c0ffee", False, "2026-01-02T03:04:05Z", 100.0, "3 x GPU", {})
    sync([make_files(provenance=own)], tracked.uri)
    assert "hardware" not in tracked.run().data.tags


def test_other_weights_are_another_run(tracked: Tracked, make_files: Callable[..., RunFiles]) -> None:
    for weights in ("first", "second"):
        sync([make_files(weights)], tracked.uri)
    assert len({run.data.tags["model_sha256"] for run in tracked.runs()}) == 2


def test_new_metrics_of_the_same_weights_replace_the_old(tracked: Tracked, files: RunFiles) -> None:
    for value in (0.5, 0.75, 0.25):
        write_json(files.reports / "metrics.json", {"box": {"overall": {"AP": value}}})
        sync([files], tracked.uri)
    assert tracked.run().data.metrics["box/overall/AP"] == 0.25


def test_what_broke_off_is_completed_and_not_repeated(
    tracked: Tracked, files: RunFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(files.reports / "metrics.json", METRICS)
    whole = Store.log_metrics

    def half(store: Store, run_id: str, metrics: list) -> None:
        whole(store, run_id, metrics[: len(metrics) // 2])
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "log_metrics", half)
        assert not sync([files], tracked.uri)
    assert "the line is dead" in capsys.readouterr().err
    assert sync([files], tracked.uri)
    assert tracked.points("training/total_loss") == [(2, 0.5), (4, 0.25)]
    assert tracked.points("box/overall/AP") == [(0, 0.5)]


def test_the_numbers_of_all_runs_are_there_before_the_files_of_any(
    tracked: Tracked, make_files: Callable[..., RunFiles], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_files()
    write_json(first.reports / "metrics.json", METRICS)
    second = RunFiles(tmp_path / "models/second", tmp_path / "reports/second")
    shutil.copytree(first.model, second.model)
    shutil.copytree(first.reports, second.reports)
    write_text(second.model / "model.safetensors", "other weights")

    def too_slow() -> list[Picture]:
        raise TimeoutError("patience is over")

    slow = replace(first, results=first.reports / "metrics.json", pictures=too_slow)
    assert not sync([slow, second], tracked.uri)
    assert "patience is over" in capsys.readouterr().err
    assert [run.data.metrics["box/overall/AP"] for run in tracked.runs()] == [0.5, 0.5]


def test_two_that_catch_up_at_once_make_one_run(tracked: Tracked, files: RunFiles) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: sync([files], tracked.uri), range(2)))
    assert len(tracked.runs()) == 1
    assert sync([files], tracked.uri)
    assert len(tracked.points("training/total_loss")) == 2


def test_pictures_of_the_gallery_are_there_once(tracked: Tracked, make_files: Callable[..., RunFiles]) -> None:
    drawn = []

    def pictures() -> list[Picture]:
        drawn.append(1)
        return [Picture("gallery/best", step, Image.new("RGB", (8, 8))) for step in (1, 2)]

    files = make_files()
    results = files.reports / "boxes.json"
    files = RunFiles(files.model, files.reports, results=results, pictures=pictures)
    for content in ("[]", "[]", "[1]"):
        write_text(results, content)
        sync([files], tracked.uri)
    names = [name for name in tracked.artifacts("images") if name.endswith(".png")]
    assert sorted(name.partition("+timestamp")[0] for name in names) == [
        "gallery~best+step+1", "gallery~best+step+2",
    ]  # fmt: skip
    assert len(drawn) == 2


def test_the_description_follows_the_numbers_until_someone_edits_it(
    tracked: Tracked, make_files: Callable[..., RunFiles], subject: Subject
) -> None:
    files = make_files()
    for value in (0.5, 0.75):
        numbers = ("box AP", value, (0.25, 1.0))
        sync([RunFiles(files.model, files.reports, headline=numbers)], tracked.uri)
        assert tracked.run().data.tags[NOTE].startswith(f"**box AP {value:.3f}** (0.250 to 1.000)")
    tracked.client.set_tag(tracked.run().info.run_id, NOTE, "mine")
    sync([RunFiles(files.model, files.reports, headline=("box AP", 0.9, None))], tracked.uri)
    assert tracked.run().data.tags[NOTE] == "mine"
