"""A ground truth is read for what its items have, or refused with the item that is wrong."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from pycocotools import mask as rle_masks

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.errors import UserError
from matchrcnn.evaluation.readers.ground_truth import read_ground_truth
from matchrcnn.evaluation.scoring import evaluate_file
from matchrcnn.tasks import LANDMARKS, MASKS
from matchrcnn.taxonomy import ATTRIBUTES, MAX_LANDMARKS
from tests.support import coco_oracle, small_split

IMAGE = {"id": 1, "height": 40, "width": 50}
ITEM = {"image_id": 1, "category_id": 9, "bbox": [0, 0, 9, 9]} | dict.fromkeys(ATTRIBUTES, 1)
OUTLINE = [[0, 0, 9, 0, 9, 9, 0, 9]]
PARAMS = EvaluationParams(bootstrap=BootstrapParams(resamples=0))


def put(folder: Path, *items: dict) -> Path:
    (folder / "truth.json").write_bytes(orjson.dumps({"images": [IMAGE], "annotations": items}))
    return folder / "truth.json"


def test_items_without_keypoints_have_no_landmarks(tmp_path: Path) -> None:
    path = put(tmp_path, ITEM, ITEM | {"keypoints": []}, ITEM | {"keypoints": [1, 1, 2] * 8})
    landmarks = read_ground_truth(path).landmarks
    assert landmarks.shape == (3, MAX_LANDMARKS, 3)
    assert landmarks.any(axis=(1, 2)).tolist() == [False, False, True]


@pytest.mark.parametrize("bare", [{}, {"keypoints": []}], ids=["absent", "empty"])
def test_items_without_keypoints_are_ignored_as_by_pycocotools(tmp_path: Path, bare: dict) -> None:
    rng = np.random.default_rng(3)
    truth = small_split.with_landmarks(rng, small_split.truth(rng, categories=13))
    results = small_split.landmark_results(rng, truth)
    for item in truth["annotations"][::3]:
        item["keypoints"], item["num_keypoints"] = [0] * len(item["keypoints"]), 0
    official = small_split.official_truth(truth, 1)
    precision, _ = coco_oracle.curves(official, small_split.official_results(results), "keypoints", "all_images")[-1]
    for item in truth["annotations"][::3]:
        del item["keypoints"]
        item.update(bare)
    (tmp_path / "truth.json").write_bytes(orjson.dumps(truth))
    (tmp_path / "results.json").write_bytes(orjson.dumps(results))
    found = evaluate_file(tmp_path / "truth.json", tmp_path / "results.json", LANDMARKS, PARAMS)
    curves = found["landmarks_visible_and_occluded"].curves
    np.testing.assert_array_equal(np.stack([one.precision[:, 12, :, 0] for one in curves], axis=-1), precision)


def test_another_number_of_keypoints_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, ITEM | {"keypoints": [1, 1, 2]})
    with pytest.raises(UserError, match=r"annotations\[0\].keypoints: 3 values; 24 \(skirt\) or 882 values"):
        _ = read_ground_truth(path).landmarks


@pytest.mark.parametrize("bare", [{}, {"segmentation": []}, {"segmentation": [[]]}, {"segmentation": None}])
@pytest.mark.parametrize("others", [[], [{"segmentation": OUTLINE}]], ids=["all", "some"])
def test_items_without_masks_are_not_scored_for_masks(tmp_path: Path, bare: dict, others: list[dict]) -> None:
    """Not even where no detection is near one of them."""
    path = put(tmp_path, *(ITEM | other for other in others), ITEM | {"category_id": 1} | bare)
    mask = {"size": [40, 50], "counts": rle_masks.encode(np.zeros((40, 50), np.uint8, "F"))["counts"].decode()}
    results = [{"image_id": 1, "category_id": 9, "score": 1, "segmentation": mask}]
    (tmp_path / "results.json").write_bytes(orjson.dumps(results))
    count = len(others) + 1
    message = rf"truth.json: 1 of {count} annotations have no masks, the first is annotations\[{count - 1}\]; give"
    with pytest.raises(UserError, match=message):
        evaluate_file(path, tmp_path / "results.json", MASKS, PARAMS)
