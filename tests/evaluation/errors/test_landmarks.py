"""PCK and normalised errors on items whose answers are known by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matchrcnn.evaluation.errors.landmarks import diagnose, landmark_errors
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.files import write_json
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORIES, MAX_LANDMARKS

TROUSERS, SKIRT = 7, 8
Report = Callable[[list, list], dict]
BOX = [10.0, 20.0, 50.0, 100.0]


def split(items: list[tuple[int, int, np.ndarray]], folder: Path) -> GroundTruth:
    """Items of (image, category, landmarks), all with the same box, as read from a converted file."""
    levels = dict.fromkeys(ATTRIBUTES, 1)
    annotations = [
        {"image_id": image, "category_id": category + 1, "bbox": BOX, "keypoints": own(category, landmarks), **levels}
        for image, category, landmarks in items
    ]
    images = [{"id": number, "height": 200, "width": 200} for number in range(10)]
    write_json(folder / "split.json", {"images": images, "annotations": annotations})
    return read_ground_truth(folder / "split.json")


def own(category: int, landmarks: np.ndarray) -> list[float]:
    return landmarks[: CATEGORIES[category].count].ravel().tolist()


def item(category: int, seed: int, unlabelled: tuple[int, ...] = ()) -> np.ndarray:
    rng = np.random.default_rng(seed)
    landmarks = np.zeros((MAX_LANDMARKS, 3))
    count = CATEGORIES[category].count
    landmarks[:count] = np.concatenate([rng.uniform(0, 150, (count, 2)), rng.integers(1, 3, (count, 1))], axis=1)
    landmarks[list(unlabelled)] = 0
    return landmarks


def moved(landmarks: np.ndarray, x: float, y: float = 0) -> np.ndarray:
    return landmarks + np.array([x, y, 0])


@pytest.fixture
def report(tmp_path: Path) -> Report:
    def diagnosis(items: list, detections: list) -> dict:
        images, categories, landmarks = (
            zip(*detections, strict=True) if detections else ((), (), np.zeros((0, MAX_LANDMARKS, 3)))
        )
        return diagnose(split(items, tmp_path), np.array(images, int), np.array(categories, int), np.array(landmarks))

    return diagnosis


def test_errors_are_in_parts_of_the_longer_side_and_skip_unlabelled_landmarks() -> None:
    true = item(TROUSERS, 0, unlabelled=(1,))
    errors = landmark_errors(moved(true, 30, 40), true, np.array(BOX))
    np.testing.assert_allclose(errors[[0, 2, 13]], 0.5)
    assert np.isnan(errors[[1, 14, 38]]).all()


def test_a_box_without_extent_counts_as_a_pixel() -> None:
    true = item(SKIRT, 0)
    assert landmark_errors(moved(true, 3), true, np.zeros(4))[0] == pytest.approx(3)


def test_a_landmark_is_correct_up_to_a_fifth_of_the_box(report: Report) -> None:
    true = item(SKIRT, 1)
    predicted = true.copy()
    predicted[:3, 0] += [19.9, 20.1, 50]
    found = report([(0, SKIRT, true)], [(0, SKIRT, predicted)])
    skirt = found["category"][CATEGORIES[SKIRT].name]
    assert [each["pck"] for each in skirt["landmarks"]] == [1, 0, 0, 1, 1, 1, 1, 1]
    assert [each["error"] for each in skirt["landmarks"]] == pytest.approx([0.199, 0.201, 0.5, 0, 0, 0, 0, 0])
    assert skirt["pck"] == found["overall"]["pck"] == 6 / 8
    assert skirt["error"] == found["overall"]["error"] == pytest.approx(0.9 / 8)


def test_an_item_is_measured_by_the_nearest_detection_of_its_image_and_category(report: Report) -> None:
    true, other = item(TROUSERS, 0), item(SKIRT, 1)
    detections = [
        (0, TROUSERS, moved(true, 30)),
        (0, TROUSERS, moved(true, 10)),
        (1, TROUSERS, true),
        (0, SKIRT, moved(true, 1)),
    ]
    found = report([(0, TROUSERS, true), (2, SKIRT, other)], detections)
    assert found["category"]["trousers"]["error"] == pytest.approx(0.1)
    assert found["overall"] == {"items": 2, "found": 1, "pck": 1, "error": pytest.approx(0.1)}


def test_items_without_labelled_landmarks_or_detections_are_no_errors(report: Report) -> None:
    bare = np.zeros((MAX_LANDMARKS, 3))
    found = report([(0, SKIRT, bare), (1, SKIRT, item(SKIRT, 2)), (2, TROUSERS, item(TROUSERS, 3))], [(0, SKIRT, bare)])
    assert found["overall"] == {"items": 2, "found": 0, "pck": None, "error": None}
    landmarks = found["category"]["trousers"]["landmarks"]
    assert landmarks == [{"labelled": 0, "pck": None, "error": None}] * CATEGORIES[TROUSERS].count


def test_every_category_is_told_with_its_own_landmarks(report: Report) -> None:
    found = report([(0, TROUSERS, item(TROUSERS, 0, unlabelled=(2,)))], [])
    assert {name: len(one["landmarks"]) for name, one in found["category"].items()} == {
        category.name: category.count for category in CATEGORIES
    }
