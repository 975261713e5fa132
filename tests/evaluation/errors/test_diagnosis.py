"""Every kind of error is told apart, and its cost is what AP50 gains when the results are fixed by hand."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.errors.diagnosis import diagnose
from matchrcnn.evaluation.readers.ground_truth import read_ground_truth
from matchrcnn.evaluation.readers.results import read_results
from matchrcnn.evaluation.scoring import evaluate
from matchrcnn.tasks import BOXES

LEVELS = {"scale": 1, "occlusion": 1, "zoom_in": 1, "viewpoint": 2}
ITEMS = [(1, 1, [0, 0, 100, 100]), (1, 2, [300, 0, 100, 100]), (1, 1, [0, 300, 100, 100]), (2, 2, [0, 0, 100, 100])]
RESULTS = {
    "right": (1, 1, [0, 0, 100, 100], 0.9),
    "duplicate": (1, 1, [5, 0, 100, 100], 0.8),
    "wrong_class": (1, 1, [300, 5, 100, 100], 0.7),
    "bad_localisation": (1, 1, [60, 300, 100, 100], 0.6),
    "both": (1, 3, [350, 0, 100, 100], 0.55),
    "background": (2, 2, [300, 300, 50, 50], 0.95),
}


def entry(image: int, category: int, box: list[float], score: float) -> dict:
    return {"image_id": image, "category_id": category, "bbox": box, "score": score}


def run(folder: Path, items: list, results: list[dict]) -> tuple[dict, np.ndarray]:
    annotations = [{"image_id": i, "category_id": c, "bbox": box, **LEVELS} for i, c, box in items]
    images = [{"id": i, "width": 500, "height": 500} for i in (1, 2)]
    (folder / "truth.json").write_bytes(orjson.dumps({"images": images, "annotations": annotations}))
    (folder / "results.json").write_bytes(orjson.dumps(results))
    truth = read_ground_truth(folder / "truth.json")
    read = read_results(folder / "results.json", truth, BOXES)
    found = evaluate(truth, read, BOXES.scores[0], EvaluationParams(bootstrap=BootstrapParams(resamples=0)))
    return diagnose(truth, read, found), found.values


def test_each_kind_is_counted_once(tmp_path: Path) -> None:
    found, _ = run(tmp_path, ITEMS, [entry(*one) for one in RESULTS.values()])
    counts = {kind: error["count"] for kind, error in found["overall"]["errors"].items()}
    assert counts == dict.fromkeys(counts, 1)
    assert set(counts) == {*RESULTS, "missed"} - {"right"}
    assert found["scale"]["large"] is None
    assert found["category"]["long sleeve top"]["errors"]["missed"]["count"] == 1


@pytest.mark.parametrize(
    ("kind", "fixed"),
    [
        ("duplicate", None),
        ("both", None),
        ("background", None),
        ("wrong_class", (1, 2, [300, 5, 100, 100], 0.7)),
        ("bad_localisation", (1, 1, [0, 300, 100, 100], 0.6)),
    ],
)
def test_the_cost_is_the_gain_of_fixing_the_results(tmp_path: Path, kind: str, fixed: tuple | None) -> None:
    found, values = run(tmp_path, ITEMS, [entry(*one) for one in RESULTS.values()])
    better = {**RESULTS, kind: fixed}
    _, after = run(tmp_path, ITEMS, [entry(*one) for one in better.values() if one])
    assert found["overall"]["errors"][kind]["cost"] == pytest.approx(after[12, 1] - values[12, 1])
    assert found["scale"]["small"]["errors"][kind]["cost"] == pytest.approx(after[0, 1] - values[0, 1])


def test_the_cost_of_missed_items_is_the_gain_without_them(tmp_path: Path) -> None:
    found, values = run(tmp_path, ITEMS, [entry(*one) for one in RESULTS.values()])
    _, after = run(tmp_path, ITEMS[:3], [entry(*one) for one in RESULTS.values()])
    assert found["overall"]["errors"]["missed"]["cost"] == pytest.approx(after[12, 1] - values[12, 1])


def test_the_confusion_matrix_counts_confident_detections_by_what_they_lie_on(tmp_path: Path) -> None:
    found, _ = run(tmp_path, ITEMS, [entry(*one) for one in RESULTS.values()] + [entry(2, 5, [0, 0, 100, 100], 0.49)])
    matrix = np.array(found["confusion"]["matrix"])
    expected = np.zeros((14, 14), int)
    expected[0, 0] = 1  # right
    expected[1, 0] = 1  # the long sleeve top found as a short sleeve top
    expected[13, 0] = 2  # duplicate, bad localisation
    expected[13, 2] = expected[13, 1] = 1  # both wrong; background
    expected[0, 13] = expected[1, 13] = 1  # the item next to the bad box; the item of the second image
    np.testing.assert_array_equal(matrix, expected)
