"""Every number equals pycocotools' bit for bit, whatever the rule, stream, threshold, recall point and category."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.cocoeval import COCOeval

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.coco.precision import Curves
from matchrcnn.evaluation.scoring import Evaluation, evaluate_file
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import SUBSETS
from tests.support import coco_oracle, small_split
from tests.support.examples import examples

RULES = st.sampled_from(["subset_images", "all_images", "whole_images"])
SEEDS = st.integers(0, 2**32)
MAKERS = {BOXES: ("bbox", small_split.box_results), MASKS: ("segm", small_split.mask_results)}
LEAST = {"landmarks_visible": 2, "landmarks_visible_and_occluded": 1}
BY_STREAM = pytest.mark.parametrize("stream", MAKERS, ids=lambda stream: stream.name)


def evaluate(folder: Path, truth: dict, results: list, stream: Stream, rule: str) -> dict[str, Evaluation]:
    (folder / "truth.json").write_bytes(orjson.dumps(truth))
    (folder / "results.json").write_bytes(orjson.dumps(results))
    params = EvaluationParams(subset_rule=rule, bootstrap=BootstrapParams(resamples=0))
    return evaluate_file(folder / "truth.json", folder / "results.json", stream, params)


def assert_equal(found: list[Curves], truth: dict, results: list, kind: str, rule: str) -> None:
    for column, expected in enumerate(coco_oracle.curves(truth, results, kind, rule)):
        precision = np.stack([curves.precision[:, column, :, 0] for curves in found], axis=-1)
        recall = np.stack([curves.recall[:, column, 0] for curves in found], axis=-1)
        np.testing.assert_array_equal(precision, expected[0])
        np.testing.assert_array_equal(recall, expected[1])


@BY_STREAM
@given(seed=SEEDS, rule=RULES)
@examples(10, 25)
def test_curves_equal_pycocotools(
    tmp_path_factory: pytest.TempPathFactory, stream: Stream, seed: int, rule: str
) -> None:
    iou_type, make = MAKERS[stream]
    rng = np.random.default_rng(seed)
    truth = small_split.truth(rng)
    results = make(rng, truth)
    found = evaluate(tmp_path_factory.mktemp("split"), truth, results, stream, rule)
    assert_equal(found[stream.keys[0]].curves, truth, results, iou_type, rule)


@pytest.mark.parametrize("wide", [False, True])
@given(seed=SEEDS, rule=RULES)
@examples(4, 8)
def test_landmark_curves_equal_pycocotools(
    tmp_path_factory: pytest.TempPathFactory, wide: bool, seed: int, rule: str
) -> None:
    rng = np.random.default_rng(seed)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, categories=13))
    results = small_split.landmark_results(rng, truth)
    official = small_split.official_results(results)
    found = evaluate(tmp_path_factory.mktemp("split"), truth, official if wide else results, LANDMARKS, rule)
    for name, least in LEAST.items():
        assert_equal(found[name].curves, small_split.official_truth(truth, least), official, "keypoints", rule)


def crowded(rng: np.random.Generator, truth: dict) -> dict:
    """A split of which a third of the items are crowd items, some of them large and around others."""
    for item in truth["annotations"]:
        if rng.random() < 1 / 3:
            item["iscrowd"] = 1
            if rng.random() < 0.5:
                item["bbox"], item["area"] = [0.0, 0.0, 48.0, 48.0], 2304.0
                item["segmentation"] = [[0, 0, 48, 0, 48, 48, 0, 48]]
    return truth


@BY_STREAM
@given(seed=SEEDS, rule=RULES)
@examples(10, 50)
def test_crowd_items_are_ignored_as_by_pycocotools(
    tmp_path_factory: pytest.TempPathFactory, stream: Stream, seed: int, rule: str
) -> None:
    iou_type, make = MAKERS[stream]
    rng = np.random.default_rng(seed)
    truth = crowded(rng, small_split.truth(rng))
    results = make(rng, truth)
    found = evaluate(tmp_path_factory.mktemp("split"), truth, results, stream, rule)
    assert_equal(found[stream.keys[0]].curves, truth, results, iou_type, rule)


@given(seed=SEEDS, rule=RULES)
@examples(4, 8)
def test_crowd_items_with_landmarks_are_ignored_as_by_pycocotools(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rule: str
) -> None:
    rng = np.random.default_rng(seed)
    truth = crowded(rng, small_split.with_landmarks(rng, small_split.truth(rng, categories=13)))
    results = small_split.landmark_results(rng, truth)
    official = small_split.official_results(results)
    found = evaluate(tmp_path_factory.mktemp("split"), truth, results, LANDMARKS, rule)
    for name, least in LEAST.items():
        assert_equal(found[name].curves, small_split.official_truth(truth, least), official, "keypoints", rule)


def test_several_detections_within_one_crowd_item_cost_nothing(tmp_path: Path) -> None:
    levels = dict.fromkeys(("scale", "occlusion", "zoom_in", "viewpoint"), 1)
    item = {"image_id": 1, "category_id": 9, "bbox": [20, 20, 50, 60], "iscrowd": True, **levels}
    lone = {**item, "bbox": [80, 0, 10, 10], "iscrowd": False}
    found = [{"image_id": 1, "category_id": 9, "score": 0.9, "bbox": [25, 25 + y, 9, 9]} for y in (0, 10, 20)]
    right = {"image_id": 1, "category_id": 9, "score": 0.1, "bbox": lone["bbox"]}
    truth = {"images": [{"id": 1, "width": 100, "height": 100}], "annotations": [item, lone]}
    scored = evaluate(tmp_path, truth, [*found, right], BOXES, "subset_images")["box"]
    assert scored.values[12, 0] == pytest.approx(1)
    assert scored.counts[12].tolist() == [1, 1]


@BY_STREAM
@pytest.mark.parametrize("rule", ["subset_images", "all_images", "whole_images"])
def test_hotcoco_is_of_the_same_opinion_in_every_column(tmp_path: Path, stream: Stream, rule: str) -> None:
    rng = np.random.default_rng(11)
    truth = small_split.truth(rng, images=20)
    results = MAKERS[stream][1](rng, truth)
    found = evaluate(tmp_path, truth, results, stream, rule)[stream.keys[0]].curves
    for column, subset in enumerate((*SUBSETS, None)):
        case = coco_oracle.arguments(truth, results, MAKERS[stream][0], subset, rule)
        precision = np.stack([curves.precision[:, column, :, 0] for curves in found], axis=-1)
        np.testing.assert_allclose(precision, coco_oracle.hotcoco_precision(tmp_path, *case), rtol=0, atol=1e-12)


@pytest.mark.parametrize("least", LEAST.values())
@pytest.mark.parametrize("rule", ["subset_images", "all_images", "whole_images"])
def test_hotcoco_is_of_the_same_opinion_of_landmarks(tmp_path: Path, least: int, rule: str) -> None:
    rng = np.random.default_rng(12)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, images=20, categories=13))
    results = small_split.official_results(small_split.landmark_results(rng, truth))
    name = next(name for name, visibility in LEAST.items() if visibility == least)
    found = evaluate(tmp_path, truth, results, LANDMARKS, rule)[name].curves
    for column, subset in enumerate((*SUBSETS, None)):
        official = small_split.official_truth(truth, least)
        case = coco_oracle.arguments(official, results, "keypoints", subset, rule)
        precision = np.stack([curves.precision[:, column, :, 0] for curves in found], axis=-1)
        np.testing.assert_allclose(precision, coco_oracle.hotcoco_precision(tmp_path, *case), rtol=0, atol=1e-12)


def emptied(truth: dict, what: str) -> dict:
    """A split without any items, with items in one image only, or with items of one level only."""
    items = truth["annotations"]
    kept = {"no items": [], "one image": [item for item in items if item["image_id"] == 1]}.get(what, items)
    level = {"scale": 1, "occlusion": 2, "zoom_in": 3, "viewpoint": 1} if what == "one level" else {}
    return {**truth, "annotations": [{**item, **level} for item in kept]}


@pytest.mark.parametrize("what", ["no items", "one image", "one level", "no results", "all tied", "all alike"])
@given(seed=SEEDS, rule=RULES)
@examples(3, 6)
def test_ties_and_empty_cases_equal_pycocotools(
    tmp_path_factory: pytest.TempPathFactory, what: str, seed: int, rule: str
) -> None:
    rng = np.random.default_rng(seed)
    truth = small_split.truth(rng, images=4)
    results = [] if what == "no results" else small_split.box_results(rng, truth)
    truth = emptied(truth, what)
    if what in ("all tied", "all alike"):
        results = [{**entry, "score": 0.5} for entry in results]
    if what == "all alike":
        spot = {"bbox": [8.0, 8.0, 16.0, 16.0], "area": 256.0}
        truth["annotations"] = [{**item, **spot} for item in truth["annotations"]]
        results = [{**entry, "bbox": spot["bbox"]} for entry in results]
    found = evaluate(tmp_path_factory.mktemp("split"), truth, results, BOXES, rule)
    assert_equal(found["box"].curves, truth, results, "bbox", rule)


def test_size_normalized_precision_is_that_of_a_subset_of_the_whole_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    truth = small_split.truth(rng, images=30)
    results = small_split.box_results(rng, truth)
    found = evaluate(tmp_path, truth, results, BOXES, "subset_images")["box"].curves
    for column, subset in enumerate(SUBSETS):
        evaluation = coco_oracle.coco_eval(*coco_oracle.arguments(truth, results, "bbox", subset, "all_images"))
        for k in range(3):
            items = [item for item in truth["annotations"] if item["category_id"] == k + 1]
            expected = normalized(evaluation, k, len(items))
            np.testing.assert_allclose(found[k].normalized[0, column, :, 0], expected, rtol=1e-12)


def normalized(evaluation: COCOeval, k: int, items: int) -> np.ndarray:
    """Interpolated k w / (k w + fp) at IoU 0.5, written out over pycocotools' matches."""
    images = len(evaluation.params.imgIds)
    groups = [group for group in evaluation.evalImgs[k * images : (k + 1) * images] if group]
    score, matched, ignored = (
        np.concatenate([np.atleast_2d(group[name])[0] for group in groups])
        for name in ("dtScores", "dtMatches", "dtIgnore")
    )
    order = np.argsort(-score, kind="stable")
    true, false = (np.cumsum((flag & ~ignored.astype(bool))[order]) for flag in (matched > 0, matched == 0))
    positives = sum(int((group["gtIgnore"] == 0).sum()) for group in groups)
    scaled = true * items / positives
    precision = np.where(scaled > 0, scaled / np.maximum(scaled + false, 1e-9), 0)
    return np.array([max(precision[true / positives >= r], default=0.0) for r in np.linspace(0, 1, 101)])
