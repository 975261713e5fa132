"""A resample is the split with some images several times and some not at all; intervals and comparisons follow."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.errors import UserError
from matchrcnn.evaluation.coco.metrics import measure
from matchrcnn.evaluation.intervals.bootstrap import resample
from matchrcnn.evaluation.intervals.paired import compare, read_resampled, resampled_bytes
from matchrcnn.evaluation.scoring import Evaluation, evaluate_file
from matchrcnn.tasks import BOXES
from tests.support import coco_oracle, small_split
from tests.support.examples import examples

RULES = st.sampled_from(["subset_images", "all_images", "whole_images"])


def score(folder: Path, truth: dict, results: list, rule: str = "subset_images", resamples: int = 0) -> Evaluation:
    (folder / "truth.json").write_bytes(orjson.dumps(truth))
    (folder / "results.json").write_bytes(orjson.dumps(results))
    params = EvaluationParams(subset_rule=rule, bootstrap=BootstrapParams(resamples=resamples, seed=3))
    return evaluate_file(folder / "truth.json", folder / "results.json", BOXES, params)["box"]


def repeated(truth: dict, results: list, weights: np.ndarray) -> tuple[dict, list]:
    """The split with image i written weights[i - 1] times, copies next to each other."""
    new_images, new_items, new_results = [], [], []
    for image in sorted(truth["images"], key=lambda image: image["id"]):
        for copy in range(weights[image["id"] - 1]):
            number = image["id"] * 100 + copy
            new_images.append({**image, "id": number})
            items = [item for item in truth["annotations"] if item["image_id"] == image["id"]]
            new_items += [{**item, "image_id": number, "id": len(new_items) + i + 1} for i, item in enumerate(items)]
            new_results += [{**entry, "image_id": number} for entry in results if entry["image_id"] == image["id"]]
    return {**truth, "images": new_images, "annotations": new_items}, new_results


@given(seed=st.integers(0, 2**32), rule=RULES)
@examples(4, 12)
def test_weights_stand_for_copies_of_images(tmp_path_factory: pytest.TempPathFactory, seed: int, rule: str) -> None:
    rng = np.random.default_rng(seed)
    truth = small_split.truth(rng)
    results = small_split.box_results(rng, truth)
    scores = rng.permutation(len(results)) / len(results)
    results = [{**entry, "score": float(score)} for entry, score in zip(results, scores, strict=True)]
    weights = rng.multinomial(6, np.full(6, 1 / 6), 2).T.astype(np.int16)
    found = measure(score(tmp_path_factory.mktemp("split"), truth, results, rule).scored, weights)
    for sample in range(2):
        curves = coco_oracle.curves(*repeated(truth, results, weights[:, sample]), "bbox", rule)
        for column, (precision, recall) in enumerate(curves):
            assert_same(found[sample, column, 0], precision)
            assert_same(found[sample, column, 1], precision[0])
            assert_same(found[sample, column, 3], recall)


def assert_same(value: float, expected: np.ndarray) -> None:
    present = expected[expected > -1]
    if present.size:
        assert value == pytest.approx(present.mean(), abs=1e-12)
    else:
        assert np.isnan(value)


@pytest.fixture
def split() -> tuple[dict, list]:
    rng = np.random.default_rng(1)
    truth = small_split.truth(rng, images=40, categories=2)
    return truth, small_split.box_results(rng, truth)


def test_the_same_seed_gives_the_same_resamples_whatever_the_batch(
    tmp_path: Path, split: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = score(tmp_path, *split, resamples=40)
    monkeypatch.setattr("matchrcnn.evaluation.intervals.bootstrap.BATCH", 7)
    again = resample(found.scored, 40, found.params.bootstrap)
    np.testing.assert_allclose(found.categories, again, rtol=1e-12)


def test_intervals_hold_the_value_and_shrink_with_more_images(tmp_path: Path, split: tuple) -> None:
    truth, results = split
    few = score(tmp_path, truth, results, resamples=200)
    many = score(tmp_path, *repeated(truth, results, np.full(40, 9)), resamples=200)
    low, high = few.interval
    assert low[12, 0] < few.values[12, 0] < high[12, 0]
    low_many, high_many = many.interval
    assert high_many[12, 0] - low_many[12, 0] < 0.5 * (high[12, 0] - low[12, 0])


def test_a_cell_without_ground_truth_has_no_interval(tmp_path: Path, split: tuple) -> None:
    low, high = score(tmp_path, *split, resamples=5).interval
    assert np.isnan(low[20]).all()
    assert np.isnan(high[20]).all()


def test_a_run_does_not_differ_from_itself_and_a_ruined_one_does(tmp_path: Path, split: tuple) -> None:
    truth, results = split
    ruined = [{**entry, "bbox": [0, 0, 1, 1]} if i % 2 else entry for i, entry in enumerate(results)]
    whole = score(tmp_path, truth, results, resamples=100).resampled
    half = score(tmp_path, truth, ruined, resamples=100).resampled
    (tmp_path / "half.npz").write_bytes(resampled_bytes({"box": half}))
    same, less = compare(whole, whole), compare(whole, read_resampled(tmp_path / "half.npz")["box"])
    assert same["overall"]["AP"] == {"difference": 0.0, "interval": [0.0, 0.0], "beyond_chance": False}
    assert less["overall"]["AP"]["difference"] < 0
    assert less["overall"]["AP"]["beyond_chance"]
    assert less["category"]["sling dress"] is None


def test_one_resample_does_not_tell_two_runs_apart(tmp_path: Path, split: tuple) -> None:
    run = score(tmp_path, *split, resamples=1).resampled
    with pytest.raises(UserError, match="2 or more"):
        compare(run, run)


def test_runs_resampled_otherwise_are_not_compared(tmp_path: Path, split: tuple) -> None:
    first, second = (score(tmp_path, *split, resamples=count).resampled for count in (10, 11))
    with pytest.raises(UserError, match="number of resamples"):
        compare(first, second)
