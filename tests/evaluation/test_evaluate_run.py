"""A run's report folder and the command line hold the same numbers, the same bytes every time."""

import csv
from pathlib import Path

import hotcoco
import numpy as np
import orjson
import pytest

from matchrcnn.cli import main
from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.coco.metrics import CELLS
from matchrcnn.evaluation.run import evaluate_run
from matchrcnn.files import sha256
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES
from tests.support import small_split

STREAMS = ["box", "mask", "landmarks_visible", "landmarks_visible_and_occluded"]
FILES = ["metrics", "intervals", "protocol", "diagnosis"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(5)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, 30, 12))
    contents = {
        "truth": truth,
        "box": small_split.box_results(rng, truth),
        "mask": small_split.mask_results(rng, truth),
        "landmarks": small_split.landmark_results(rng, truth),
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps(content))
    return folder


def run(folder: Path, output: str) -> Path:
    results = {kind: folder / f"{kind}.json" for kind in ("box", "mask", "landmarks")}
    params = EvaluationParams(bootstrap=BootstrapParams(resamples=20))
    evaluate_run(folder / "truth.json", results, folder / output, params)
    return folder / output


@pytest.fixture(scope="module")
def report(folder: Path) -> Path:
    return run(folder, "report")


def read(path: Path) -> dict:
    return orjson.loads(path.read_bytes())


def test_the_same_input_gives_the_same_bytes(folder: Path, report: Path) -> None:
    again = run(folder, "again")
    names = sorted(path.name for path in report.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert [sha256(report / name) for name in names] == [sha256(again / name) for name in names]


def test_every_cell_has_numbers_an_interval_and_counts(report: Path) -> None:
    metrics, intervals, protocol = (read(report / f"{name}.json") for name in FILES[:3])
    assert list(metrics) == list(intervals) == list(protocol["counts"]) == STREAMS
    for stream in STREAMS:
        for path in CELLS:
            value, ends, count = metrics[stream], intervals[stream], protocol["counts"][stream]
            for key in path:
                value, ends, count = value[key], ends[key], count[key]
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
    assert protocol["results"]["mask"] == sha256(folder / "mask.json")
    assert protocol["counts"]["box"]["overall"]["images"] == 30


def test_precision_over_recall_averages_to_ap50(report: Path) -> None:
    rows = list(csv.DictReader((report / "precision_recall.csv").read_text().splitlines()))
    for stream in STREAMS:
        found = [float(row["precision"]) for row in rows if row["stream"] == stream and row["iou"] == "0.5"]
        assert len(found) == 101
        assert np.mean(found) == pytest.approx(read(report / "metrics.json")[stream]["overall"]["AP50"], abs=1e-12)


def test_the_confusion_table_holds_every_item(folder: Path, report: Path) -> None:
    rows = list(csv.DictReader((report / "confusion.csv").read_text().splitlines()))
    truth = read(folder / "truth.json")["annotations"]
    for number, name in enumerate(CATEGORY_NAMES, 1):
        counts = [int(row["count"]) for row in rows if row["stream"] == "box" and row["true"] == name]
        assert sum(counts) == sum(item["category_id"] == number for item in truth)


@pytest.mark.parametrize(("kind", "iou_type"), [("box", "bbox"), ("mask", "segm")])
def test_hotcoco_agrees(folder: Path, report: Path, kind: str, iou_type: str) -> None:
    truth = hotcoco.COCO(str(folder / "truth.json"))
    evaluation = hotcoco.COCOeval(truth, truth.load_res(str(folder / f"{kind}.json")), iou_type)
    evaluation.evaluate()
    evaluation.accumulate()
    precision = np.array(evaluation.eval["precision"])[..., 0, -1]
    found = read(report / "metrics.json")[kind]["overall"]
    assert found["AP"] == pytest.approx(precision[precision > -1].mean(), abs=1e-12)


@pytest.mark.parametrize(("task", "kind"), [("detection", "box"), ("segmentation", "mask"), ("landmarks", "landmarks")])
def test_the_command_prints_the_tables_and_writes_the_numbers(
    folder: Path, report: Path, task: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--annotations", str(folder / "truth.json"), "--results", str(folder / f"{kind}.json")]
    output = folder / f"{task}.json"
    assert main(["evaluate", "--task", task, *files, "--bootstrap", "20", "--output", str(output)]) == 0
    written, expected = read(output), read(report / "metrics.json")
    printed = capsys.readouterr().out
    assert written["metrics"] == {stream: expected[stream] for stream in written["metrics"]}
    assert "subset rule subset_images" in printed
    for numbers in written["metrics"].values():
        assert f"{numbers['overall']['AP']:.3f}" in printed
        assert f"{numbers['scale']['small']['AP_size_normalized']:.3f}" in printed


def test_the_command_takes_a_rule_and_refuses_a_wrong_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--annotations", str(folder / "truth.json"), "--results", str(folder / "box.json")]
    assert main(["evaluate", "--task", "detection", *files, "--subsets", "all_images"]) == 0
    assert "subset rule all_images" in capsys.readouterr().out
    assert main(["evaluate", "--task", "segmentation", *files]) == 2
    assert "entry 0 (at byte 1) lacks segmentation" in capsys.readouterr().err


def test_nothing_is_written_when_a_file_is_wrong(folder: Path) -> None:
    (folder / "cut.json").write_bytes((folder / "box.json").read_bytes()[:-5])
    with pytest.raises(Exception, match="is the file complete"):
        evaluate_run(folder / "truth.json", {"box": folder / "cut.json"}, folder / "none", EvaluationParams())
    assert not (folder / "none").exists()
