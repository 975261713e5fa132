"""The gallery judges detections as the diagnosis of the run does, and tells how good an image is."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from pycocotools import mask as coco_mask

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.coco.ranking import group_by_image, rank
from matchrcnn.evaluation.errors.diagnosis import diagnose
from matchrcnn.evaluation.errors.kinds import KINDS, Kind
from matchrcnn.evaluation.errors.overlaps import landmark_overlap
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Results, read_results
from matchrcnn.evaluation.scoring import evaluate
from matchrcnn.reporting.gallery.judged import NO_THRESHOLD, Judged, JudgedImage, judge
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORIES
from tests.support import small_split

ITEM = [10, 10, 50, 50]
FAR = [150, 150, 20, 20]


def read(folder: Path, truth: dict, results: list[dict], stream: Stream) -> tuple[GroundTruth, Results]:
    (folder / "truth.json").write_bytes(orjson.dumps(truth))
    (folder / "results.json").write_bytes(orjson.dumps(results))
    ground = read_ground_truth(folder / "truth.json")
    return ground, read_results(folder / "results.json", ground, stream)


def judged_boxes(folder: Path, items: list[tuple], found: list[tuple]) -> Judged:
    """Judge items (image, category, box) and detections (image, category, box, score)."""
    images = sorted({one[0] for one in (*items, *found)})
    truth = {
        "images": [{"id": image, "width": 200, "height": 200} for image in images],
        "annotations": [
            {"image_id": i, "category_id": c, "bbox": b} | dict.fromkeys(ATTRIBUTES, 1) for i, c, b in items
        ],
    }
    results = [{"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in found]
    ground, read_back = read(folder, truth, results, BOXES)
    return judge(ground, read_back, BOXES, np.arange(len(images)))


def only(judged: Judged) -> JudgedImage:
    (image,) = judged.each()
    return image


@pytest.mark.parametrize(
    ("category", "box", "kind"),
    [
        (1, ITEM, Kind.RIGHT),
        (1, [10, 10, 50, 26], Kind.RIGHT),
        (1, [10, 10, 50, 24], Kind.BAD_LOCALISATION),
        (2, ITEM, Kind.WRONG_CLASS),
        (2, [10, 35, 50, 50], Kind.BOTH),
        (2, [40, 40, 50, 50], Kind.BACKGROUND),
        (1, [120, 120, 50, 50], Kind.BACKGROUND),
    ],
)
def test_gallery_and_diagnosis_agree_about_an_error(tmp_path: Path, category: int, box: list, kind: Kind) -> None:
    """An IoU of 1/3 with an item of another category was `background` here and `both` there."""
    judged = judged_boxes(tmp_path, [(1, 1, ITEM)], [(1, category, box, 0.9)])
    params = EvaluationParams(bootstrap=BootstrapParams(resamples=0))
    found = evaluate(judged.truth, judged.results, BOXES.scores[0], params)
    counts = diagnose(judged.truth, judged.results, found)["overall"]["errors"]
    assert [name for name in KINDS if counts[name]["count"]] == list(only(judged).errors)
    assert judged.errors.kind.tolist() == [kind]


@pytest.mark.parametrize(("stream", "make"), [(BOXES, small_split.box_results), (MASKS, small_split.mask_results)])
def test_kinds_are_those_of_the_diagnosis_on_any_split(tmp_path: Path, stream: Stream, make: object) -> None:
    rng = np.random.default_rng(3)
    truth = small_split.truth(rng, images=30)
    ground, results = read(tmp_path, truth, make(rng, truth), stream)
    judged = judge(ground, results, stream, np.arange(30))
    found = evaluate(ground, results, stream.scores[0], EvaluationParams(bootstrap=BootstrapParams(resamples=0)))
    counts = diagnose(ground, results, found)["overall"]["errors"]
    assert {kind: counts[kind.name.lower()]["count"] for kind in tuple(Kind)[1:]} == {
        kind: (judged.errors.kind == kind).sum() for kind in tuple(Kind)[1:]
    }


def test_only_the_chosen_images_are_judged(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    truth = small_split.truth(rng, images=20)
    ground, results = read(tmp_path, truth, small_split.box_results(rng, truth), BOXES)
    every, some = (judge(ground, results, BOXES, images) for images in (np.arange(20), np.arange(3, 9)))
    kept = np.isin(every.ranking.image, some.images)
    assert some.ranking.detection.tolist() == every.ranking.detection[kept].tolist()
    assert some.errors.kind.tolist() == every.errors.kind[kept].tolist()


def test_the_better_score_takes_the_item_and_the_other_is_a_duplicate(tmp_path: Path) -> None:
    judged = judged_boxes(tmp_path, [(1, 1, ITEM)], [(1, 1, ITEM, 0.5), (1, 1, [12, 10, 50, 50], 0.8)])
    assert judged.score.tolist() == [0.8, 0.5]
    assert judged.errors.kind.tolist() == [Kind.RIGHT, Kind.DUPLICATE]


def test_errors_are_those_of_the_detections_that_are_shown(tmp_path: Path) -> None:
    right = [(2, 1, ITEM, 0.8), (3, 1, ITEM, 0.7)]
    items = [(1, 1, ITEM), (2, 1, ITEM), (3, 1, ITEM)]
    shown = judged_boxes(tmp_path, items, [(1, 3, ITEM, 0.9), *right])
    hidden = judged_boxes(tmp_path, items, [(1, 3, ITEM, 0.2), *right])
    assert [image.errors for image in shown.each()] == [("wrong_class",), (), ()]
    assert [image.errors for image in hidden.each()] == [("missed",), (), ()]
    assert [len(image.detections) for image in hidden.each()] == [0, 1, 1]


def test_quality_counts_missed_items_and_false_positives_as_zero(tmp_path: Path) -> None:
    right, extra, other = (1, 1, ITEM, 0.9), (1, 1, FAR, 0.95), (1, 5, [100, 100, 40, 40])
    assert only(judged_boxes(tmp_path, [(1, 1, ITEM)], [right])).quality == 1
    assert only(judged_boxes(tmp_path, [(1, 1, ITEM)], [right, extra])).quality == 0.5
    assert only(judged_boxes(tmp_path, [(1, 1, ITEM), other], [right, extra])).quality == pytest.approx(1 / 3)
    assert only(judged_boxes(tmp_path, [(1, 1, ITEM)], [])).quality == 0


def test_the_threshold_is_the_score_of_highest_f1(tmp_path: Path) -> None:
    items = [(1, 1, ITEM), (2, 1, ITEM)]
    found = [(1, 1, ITEM, 0.9), (1, 1, FAR, 0.4), (2, 1, ITEM, 0.6), (2, 1, FAR, 0.3)]
    assert judged_boxes(tmp_path, items, found).threshold == 0.6


def test_without_detections_there_is_a_threshold_all_the_same(tmp_path: Path) -> None:
    assert judged_boxes(tmp_path, [(1, 1, ITEM)], []).threshold == NO_THRESHOLD


def test_landmarks_overlap_by_oks_within_a_category_and_by_extent_between_two(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, images=12, categories=13))
    results = small_split.landmark_results(rng, truth)
    ground, read_back = read(tmp_path, truth, results, LANDMARKS)
    ranking = rank(read_back, ground.num_images, 20)
    groups = group_by_image(ground, ranking)
    pairs, place = landmark_overlap(ground, read_back, ranking, groups), 0
    kinds = set()
    for number in range(len(groups.pair_starts) - 1):
        for d in groups.positions[groups.position_starts[number] : groups.position_starts[number + 1]]:
            for g in groups.items[groups.item_starts[number] : groups.item_starts[number + 1]]:
                one, other = results[ranking.detection[d]], truth["annotations"][g]
                assert pairs[place] == pytest.approx(slow_overlap(one, other), abs=1e-12)
                kinds.add((one["category_id"] == other["category_id"], pairs[place] > 0))
                place += 1
    assert place == len(pairs)
    assert len(kinds) == 4


def slow_overlap(found: dict, item: dict) -> float:
    """The overlap of a detection's landmarks with an item's, written out."""
    category = CATEGORIES[item["category_id"] - 1]
    own, true = (np.reshape(one["keypoints"], (-1, 3)) for one in (found, item))
    labelled = true[:, 2] > 0
    if not labelled.any():
        return 0.0
    if found["category_id"] != item["category_id"]:
        return float(coco_mask.iou([extent(own)], [extent(true[labelled])], [0])[0, 0])
    squared = ((own[labelled, :2] - true[labelled, :2]) ** 2).sum(axis=1)
    spread = (2 * category.sigmas[labelled]) ** 2
    return float(np.exp(-squared / (2 * spread * (item["area"] + np.spacing(1)))).mean())


def extent(points: np.ndarray) -> list[float]:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return [*low, *(high - low)]
