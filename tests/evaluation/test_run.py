"""A run's report folder and the command line hold the same numbers, the same bytes every time."""

import contextlib
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hotcoco
import numpy as np
import orjson
import pytest
import yaml

from matchrcnn.cli import main
from matchrcnn.config import BootstrapParams, EvaluationParams, Params
from matchrcnn.errors import UserError
from matchrcnn.evaluation.coco.metrics import CELLS
from matchrcnn.evaluation.intervals.paired import read_resampled
from matchrcnn.evaluation.run import evaluate_run, score_files, write_scores
from matchrcnn.files import sha256, write_json
from matchrcnn.paths import lookup
from matchrcnn.project import HEADLINE, INTERVALS, METRICS, PROTOCOL, Project, Run
from matchrcnn.tasks import BOXES, DETECTED, DETECTION_STREAMS, EMBEDDINGS, MASKS, PROTOCOLS, SCORES, TASKS, Stream
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES
from tests.support import small_split
from tests.support.retrieval_cases import Case, as_split, case
from tests.support.retrieval_oracle import slow_metrics

ROOT = Path(__file__).parents[2]
KEYS = [score.key for stream in DETECTION_STREAMS for score in stream.scores]
PARAMS = EvaluationParams(bootstrap=BootstrapParams(resamples=20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(5)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, 30, 12))
    contents = {
        "truth": truth,
        "boxes": small_split.box_results(rng, truth),
        "masks": small_split.mask_results(rng, truth),
        "landmarks": small_split.landmark_results(rng, truth),
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps(content))
    return folder


def run(folder: Path, output: str) -> Path:
    files = {stream.files[0]: folder / f"{stream.files[0]}.json" for stream in DETECTION_STREAMS}
    scores = score_files(folder / "truth.json", files, PARAMS)
    write_scores(folder / output, folder / "truth.json", scores, PARAMS)
    return folder / output


@pytest.fixture(scope="module")
def report(folder: Path) -> Path:
    return run(folder, "report")


def read(path: Path) -> dict:
    return orjson.loads(path.read_bytes())


def test_the_same_input_gives_the_same_bytes(folder: Path, report: Path) -> None:
    again = run(folder, "again/report")
    names = sorted(path.name for path in report.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert [sha256(report / name) for name in names] == [sha256(again / name) for name in names]


def test_every_cell_has_numbers_an_interval_and_counts(report: Path) -> None:
    metrics, intervals, protocol = (read(report / name) for name in (METRICS, INTERVALS, PROTOCOL))
    assert list(metrics) == list(intervals) == list(protocol["counts"]) == KEYS
    for key in KEYS:
        for path in CELLS:
            value, ends, count = (lookup(part[key], path) for part in (metrics, intervals, protocol["counts"]))
            assert (value is None) == (count["items"] == 0)
            if value is not None:
                assert {"AP", "AP50", "AP75", "AR"} <= set(value) == set(ends)
                assert all(low <= high for low, high in ends.values())
    assert metrics["box"]["category"]["sling dress"] is None
    assert list(metrics["box"]["scale"]) == list(ATTRIBUTES["scale"])


def test_the_protocol_names_rule_bootstrap_and_files(folder: Path, report: Path) -> None:
    protocol = read(report / "protocol.json")
    assert protocol["subset_rule"] == "subset_images"
    assert protocol["bootstrap"] == {"resamples": 20, "level": 0.95, "seed": 0}
    assert protocol["annotations"] == sha256(folder / "truth.json")
    assert protocol["results"]["mask"] == sha256(folder / "masks.json")
    assert protocol["counts"]["box"]["overall"]["images"] == 30


def test_precision_over_recall_averages_to_ap50(report: Path) -> None:
    rows = list(csv.DictReader((report / "precision_recall.csv").read_text().splitlines()))
    for key in KEYS:
        found = [float(row["precision"]) for row in rows if row["stream"] == key and row["iou"] == "0.5"]
        assert len(found) == 101
        assert np.mean(found) == pytest.approx(read(report / "metrics.json")[key]["overall"]["AP50"], abs=1e-12)


def test_the_confusion_table_holds_every_item(folder: Path, report: Path) -> None:
    rows = list(csv.DictReader((report / "confusion.csv").read_text().splitlines()))
    truth = read(folder / "truth.json")["annotations"]
    for number, name in enumerate(CATEGORY_NAMES, 1):
        counts = [int(row["count"]) for row in rows if row["stream"] == "box" and row["true"] == name]
        assert sum(counts) == sum(item["category_id"] == number for item in truth)


@pytest.mark.parametrize(("stream", "iou_type"), [(BOXES, "bbox"), (MASKS, "segm")], ids=["boxes", "masks"])
def test_hotcoco_agrees(folder: Path, report: Path, stream: Stream, iou_type: str) -> None:
    truth = hotcoco.COCO(str(folder / "truth.json"))
    evaluation = hotcoco.COCOeval(truth, truth.load_res(str(folder / f"{stream.name}.json")), iou_type)
    evaluation.evaluate()
    evaluation.accumulate()
    precision = np.array(evaluation.eval["precision"])[..., 0, -1]
    found = read(report / "metrics.json")[stream.keys[0]]["overall"]
    assert found["AP"] == pytest.approx(precision[precision > -1].mean(), abs=1e-12)


@pytest.mark.parametrize("task", ["detection", "segmentation", "landmarks"])
def test_the_command_prints_the_tables_and_writes_the_numbers(
    folder: Path, report: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        "--annotations",
        str(folder / "truth.json"),
        "--results",
        str(folder / f"{TASKS[task].judged_by.name}.json"),
    ]
    output = folder / f"{task}_numbers.json"
    assert main(["evaluate", "--task", task, *files, "--bootstrap", "20", "--output", str(output)]) == 0
    written, expected = read(output), read(report / "metrics.json")
    printed = capsys.readouterr().out
    assert written["metrics"] == {stream: expected[stream] for stream in written["metrics"]}
    assert "subset rule subset_images" in printed
    for numbers in written["metrics"].values():
        assert f"{numbers['overall']['AP']:.3f}" in printed
        assert f"{numbers['scale']['small']['AP_size_normalized']:.3f}" in printed


def test_the_command_takes_a_rule_and_refuses_a_wrong_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--annotations", str(folder / "truth.json"), "--results", str(folder / "boxes.json")]
    assert main(["evaluate", "--task", "detection", *files, "--subsets", "all_images"]) == 0
    assert "subset rule all_images" in capsys.readouterr().out
    assert main(["evaluate", "--task", "segmentation", *files]) == 2
    assert "entry 0 (at byte 1) lacks segmentation" in capsys.readouterr().err


def made(folder: Path, task: str, contents: dict[str, object]) -> Run:
    """A run of a project with these files in its folder of results."""
    preset = yaml.safe_load((ROOT / "pipelines/sample.yaml").read_text())
    run: dict[str, object] = {"task": task, "schedule": "1x", "init_from": "initial"}
    if task == "retrieval":
        run["retrieval"] = {"variant": "class"}
    project = Project(folder, Params.model_validate(preset | {"runs": {"my_run": run}, "check": {}}))
    for name, content in contents.items():
        write_json(project.run("my_run").result_file(name), content)
    return project.run("my_run")


NEEDED = [
    ("detection", "boxes"),
    ("segmentation", "boxes"),
    ("segmentation", "masks"),
    ("landmarks", "landmarks"),
    ("retrieval", "boxes"),
    ("retrieval", "retrieval"),
    ("retrieval", "retrieval_ground_truth_box"),
]


@pytest.mark.parametrize(("task", "lacking"), NEEDED)
def test_a_result_file_of_the_task_that_is_missing_is_an_error(tmp_path: Path, task: str, lacking: str) -> None:
    own = made(tmp_path, task, {score.file: [] for score in SCORES.values() if score.file != lacking})
    with pytest.raises(UserError, match=rf"{lacking}.json: no such file.*`dvc repro predict@my_run` writes it"):
        evaluate_run(own, tmp_path / "truth.json", PARAMS)
    assert not own.reports.exists()


def test_the_stage_refuses_a_segmentation_run_without_masks(folder: Path, tmp_path: Path) -> None:
    own = made(tmp_path, "segmentation", {"boxes": read(folder / "boxes.json")})
    write_json(own.project.annotations("validation"), read(folder / "truth.json"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(own.project.params.model_dump(mode="json")))
    command = [sys.executable, "-m", "stages.evaluate", "my_run"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "results/my_run/masks.json: no such file" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_files_of_other_streams_are_scored_too_when_they_are_there(folder: Path, tmp_path: Path) -> None:
    own = made(tmp_path, "detection", {name: read(folder / f"{name}.json") for name in ("boxes", "masks")})
    evaluate_run(own, folder / "truth.json", PARAMS)
    assert list(own.metrics) == ["box", "mask"]
    assert list(own.protocol["results"]) == ["box", "mask"]


@pytest.fixture(scope="module")
def retrieval_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Case]:
    tmp_path = tmp_path_factory.mktemp("retrieval")
    entries = case(1, user_images=12, shop_images=12)
    split = as_split(entries)
    for item in split["annotations"]:
        item.setdefault("category_id", 1)
    write_json(tmp_path / "split.json", split)
    results = dict.fromkeys(EMBEDDINGS.files, entries.results)
    own = made(tmp_path, "retrieval", {"boxes": [], **results})
    evaluate_run(own, tmp_path / "split.json", EvaluationParams(bootstrap=BootstrapParams(resamples=50)))
    return own, entries


def test_a_retrieval_run_has_the_numbers_of_boxes_and_of_both_protocols(retrieval_run: tuple[Run, Case]) -> None:
    own, entries = retrieval_run
    assert list(own.metrics) == ["box", "retrieval"]
    assert list(own.metrics["retrieval"]) == list(PROTOCOLS)
    overall = own.metrics["retrieval"][DETECTED]["overall"]
    expected = slow_metrics(*entries)
    assert {name: overall[name] for name in expected} == expected
    assert own.metrics["retrieval"][DETECTED]["viewpoint"].keys() == {"no_wear", "frontal", "side_or_back"}
    assert list(own.protocol["results"]) == ["box", *EMBEDDINGS.keys]
    assert list(read_resampled(own.resamples)) == ["box", *EMBEDDINGS.keys]
    low, high = own.intervals["retrieval"][DETECTED]["overall"]["top5"]
    assert low <= overall["top5"] <= high
    assert own.intervals["retrieval"][DETECTED].keys() == own.metrics["retrieval"][DETECTED].keys()


def test_the_headline_is_the_overall_numbers_of_every_score_rounded(retrieval_run: tuple[Run, Case]) -> None:
    own, _ = retrieval_run
    (headline,) = read(own.reports / HEADLINE).values()
    assert list(read(own.reports / HEADLINE)) == ["my_run"]
    assert list(headline) == ["box", "retrieval"]
    overall = own.metrics["retrieval"][DETECTED]["overall"]
    assert headline["retrieval"][DETECTED] == {name: round(value, 4) for name, value in overall.items()}
    assert headline["box"] == {name: round(value, 4) for name, value in own.metrics["box"]["overall"].items()}


@pytest.mark.parametrize("renames", range(9))
def test_a_kill_while_files_are_written_leaves_no_half_report(
    folder: Path, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """A report is whole or has no metrics.json, by which its readers know it."""
    target = tmp_path / "report"
    shutil.copytree(report, target)
    write_json(target / METRICS, {"old": {}})
    scores = score_files(folder / "truth.json", {"boxes": folder / "boxes.json"}, PARAMS)
    done, rename = [], Path.replace

    def killed(path: Path, to: Path) -> Path:
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(to)
        return rename(path, to)

    monkeypatch.setattr(Path, "replace", killed)
    with contextlib.suppress(KeyboardInterrupt):
        write_scores(target, folder / "truth.json", scores, PARAMS)
    assert len(done) == min(renames, 8)
    assert (target / METRICS).exists() == (len(done) == 8)
    assert not list(target.glob(".*"))


def test_nothing_is_written_when_a_file_is_wrong(folder: Path, tmp_path: Path) -> None:
    own = made(tmp_path, "detection", {"boxes": []})
    own.result_file("boxes").write_bytes((folder / "boxes.json").read_bytes()[:-5])
    with pytest.raises(UserError, match="is the file complete"):
        evaluate_run(own, folder / "truth.json", PARAMS)
    assert not own.reports.exists()
