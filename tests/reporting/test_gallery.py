"""Galleries show the right images with the right errors, chosen by a rule that gives the same choice again."""

from pathlib import Path

import numpy as np
import pytest

from matchrcnn.files import read_json, write_json
from matchrcnn.reporting.gallery.detections import Gallery, build_gallery, choose, load_truth
from matchrcnn.reporting.gallery.matching import Matching, best_threshold, match, own_landmarks
from matchrcnn.taxonomy import CATEGORIES, Category
from tests.support import contract_files

IMAGE = {"id": 1, "file_name": "000001.jpg", "width": 200, "height": 200}


def _truth(category: int = 1, box: tuple[float, ...] = (10, 10, 50, 50)) -> dict:
    return {"category_id": category, "bbox": list(box), "area": box[2] * box[3]}


def _found(score: float, category: int = 1, box: tuple[float, ...] = (10, 10, 50, 50)) -> dict:
    return {"category_id": category, "bbox": list(box), "score": score}


def _match(truths: list[dict], predictions: list[dict]) -> Matching:
    return match("boxes", IMAGE, truths, predictions)


@pytest.mark.parametrize(
    ("prediction", "outcome"),
    [
        (_found(0.9), "correct"),
        (_found(0.9, box=(10, 10, 50, 26)), "correct"),
        (_found(0.9, box=(10, 10, 50, 24)), "badly placed"),
        (_found(0.9, category=2), "wrong category"),
        (_found(0.9, category=2, box=(40, 40, 50, 50)), "background"),
        (_found(0.9, box=(120, 120, 50, 50)), "background"),
    ],
)
def test_a_prediction_is_named_by_what_is_wrong_with_it(prediction: dict, outcome: str) -> None:
    assert _match([_truth()], [prediction]).outcomes == [outcome]


def test_the_better_score_takes_the_truth_and_the_other_is_a_duplicate() -> None:
    matching = _match([_truth()], [_found(0.5), _found(0.8, box=(12, 10, 50, 50))])
    assert [p["score"] for p in matching.predictions] == [0.8, 0.5]
    assert matching.outcomes == ["correct", "duplicate"]


def test_errors_are_those_of_the_predictions_that_are_shown() -> None:
    matching = _match([_truth()], [_found(0.9), _found(0.2, category=3)])
    assert matching.errors(0.5) == []
    assert matching.errors(0.1) == ["wrong category"]
    assert matching.errors(0.95) == ["missed"]


def test_quality_counts_missed_and_superfluous_items_as_zero() -> None:
    perfect, extra = _found(0.9), _found(0.8, box=(150, 150, 20, 20))
    assert _match([_truth()], [perfect]).quality(0.5) == 1
    assert _match([_truth()], [perfect, extra]).quality(0.5) == 0.5
    assert _match([_truth(), _truth(5, (100, 100, 40, 40))], [perfect, extra]).quality(0.5) == pytest.approx(1 / 3)
    assert _match([_truth()], []).quality(0.5) == 0


def test_the_threshold_is_the_score_of_highest_f1() -> None:
    matchings = [
        _match([_truth()], [_found(0.9), _found(0.4, box=(150, 150, 20, 20))]),
        _match([_truth()], [_found(0.6), _found(0.3, box=(150, 150, 20, 20))]),
    ]
    assert best_threshold(matchings) == 0.6


def test_without_predictions_there_is_a_threshold_all_the_same() -> None:
    assert 0 < best_threshold([_match([_truth()], [])]) < 1


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.name)
def test_landmarks_of_all_294_and_of_the_category_alone_are_the_same(category: Category) -> None:
    everything = np.arange(294 * 3, dtype=float)
    own = everything.reshape(-1, 3)[category.landmarks]
    for keypoints in (everything, own.ravel()):
        item = {"category_id": category.id, "keypoints": keypoints.tolist()}
        np.testing.assert_array_equal(own_landmarks(item), own)


def test_landmarks_match_by_oks_and_unlabelled_ones_do_not_count() -> None:
    category = CATEGORIES[8]
    points = np.c_[category.points * 100, np.full(category.count, 2.0)]
    truth = _truth(9, (0, 0, 100, 100)) | {"keypoints": points.ravel().tolist()}
    moved = points.copy()
    moved[0, :2] += 90
    prediction = {"category_id": 9, "keypoints": moved.ravel().tolist(), "score": 0.9}
    labelled = match("landmarks", IMAGE, [truth], [prediction]).overlaps[0, 0]
    points[0] = 0
    truth["keypoints"] = points.ravel().tolist()
    assert labelled == pytest.approx((category.count - 1) / category.count, abs=1e-3)
    assert match("landmarks", IMAGE, [truth], [prediction]).overlaps[0, 0] == 1


def _many(count: int) -> list[Matching]:
    boxes = [(10.0, 10.0, 50.0, 50.0 - n) for n in range(count)]
    return [
        match("boxes", IMAGE | {"id": n}, [_truth(1 + n % 3)], [_found(0.9, 1 + n % 3, box)])
        for n, box in enumerate(boxes)
    ]


def test_best_and_worst_images_are_chosen_over_all_categories_each_image_once() -> None:
    chosen = choose(_many(20), 0.5, 9, seed=1)
    picks = {pick: [m.image["id"] for name, m in chosen if name == pick] for pick in ("best", "worst", "random")}
    assert sorted(picks["best"]) == [0, 1, 2]
    assert sorted(picks["worst"]) == [17, 18, 19]
    assert len({m.image["id"] for _, m in chosen}) == 9


def test_the_choice_depends_on_the_seed_and_on_nothing_else() -> None:
    def ids(seed: int) -> list[int]:
        return [m.image["id"] for _, m in choose(_many(20), 0.5, 9, seed)]

    assert ids(1) == ids(1)
    assert len({tuple(ids(seed)) for seed in range(5)}) > 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    contract_files.write_pipeline(path, images=12)
    return path


def _gallery(folder: Path, name: str, count: int = 6) -> Gallery | None:
    truth = load_truth(folder / "data/coco/validation.json")
    return build_gallery(contract_files.project(folder).run(name), truth, folder / "images", count, 0)


@pytest.mark.parametrize("name", ["detection", "segmentation", "landmarks"])
def test_each_task_has_a_gallery_of_small_pictures(folder: Path, name: str) -> None:
    gallery = _gallery(folder, name)
    assert gallery is not None
    assert [picture.pick for picture in gallery.pictures] == ["best"] * 2 + ["worst"] * 2 + ["random"] * 2
    for picture in gallery.pictures:
        assert max(picture.size) == 360
        assert picture.truth != picture.prediction
        assert len(picture.truth) < 60_000


def test_pictures_can_be_filtered_by_what_the_image_holds(folder: Path) -> None:
    gallery = _gallery(folder, "detection", 12)
    assert gallery is not None
    coco = read_json(folder / "data/coco/validation.json")
    for picture in gallery.pictures:
        number = int(picture.name.removesuffix(".jpg"))
        own = [a for a in coco["annotations"] if a["image_id"] == number]
        assert set(picture.categories) == {CATEGORIES[a["category_id"] - 1].name for a in own}
        assert {subset.split("/")[0] for subset in picture.subsets} == {"scale", "occlusion", "zoom_in", "viewpoint"}


def test_an_image_that_cannot_be_read_is_left_out(folder: Path, tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={"detection": "detection"})
    (tmp_path / "images/000002.jpg").write_bytes(b"no picture")
    gallery = _gallery(tmp_path, "detection", 3)
    assert gallery is not None
    assert sorted(picture.name for picture in gallery.pictures) == ["000001.jpg", "000003.jpg"]


def test_without_images_or_results_there_is_no_gallery(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={"detection": "detection"})
    write_json(tmp_path / "results/detection/boxes.json", [])
    assert _gallery(tmp_path, "detection") is not None
    for image in (tmp_path / "images").iterdir():
        image.unlink()
    assert _gallery(tmp_path, "detection") is None
    (tmp_path / "results/detection/boxes.json").unlink()
    assert _gallery(tmp_path, "detection") is None
