"""Galleries show the right images with the right errors, chosen by a rule that gives the same choice again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matchrcnn.files import read_json, write_json
from matchrcnn.project import Project
from matchrcnn.reporting.gallery.choice import choose
from matchrcnn.reporting.gallery.detections import Gallery, Picture
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.pages.pictures import data_uri
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import STREAMS, TASKS
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORIES, CATEGORY_NAMES
from tests.support.galleries import write_project

RUNS = {task: task for task in TASKS if TASKS[task].by_category}


def test_best_and_worst_are_chosen_over_all_kinds_each_once() -> None:
    chosen = choose(range(20), lambda number: number % 3, lambda number: number, 9, seed=1)
    picks = {pick: sorted(number for name, number in chosen if name == pick) for pick, _ in chosen}
    assert picks["best"] == [0, 1, 2]
    assert picks["worst"] == [17, 18, 19]
    assert len(picks["random"]) == 3
    assert len({number for _, number in chosen}) == 9


def test_a_kind_that_is_ranked_first_everywhere_leaves_room_for_others() -> None:
    ranked = [10, 11, 12, 13, 20, 30]
    chosen = choose(ranked, lambda number: number // 10, lambda number: number, 9, seed=1)
    assert [number for pick, number in chosen if pick == "best"] == [10, 20]


def test_the_choice_depends_on_the_seed_and_on_nothing_else() -> None:
    def choice(seed: int) -> list[tuple[str, int]]:
        return choose(range(20), lambda number: 0, lambda number: number, 9, seed)

    assert choice(1) == choice(1)
    assert len({tuple(choice(seed)) for seed in range(5)}) > 1


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("project"), 12, RUNS)


def gallery(project: Project, name: str, count: int = 6) -> Gallery:
    found = Galleries(project).detected(project.run(name), count)
    assert found is not None
    return found


@pytest.mark.parametrize("name", RUNS)
def test_each_task_has_a_gallery_of_small_pictures(project: Project, name: str) -> None:
    found = gallery(project, name)
    assert found.stream is STREAMS[TASKS[name].judged_by.name]
    assert [picture.pick for picture in found.pictures] == ["best"] * 2 + ["worst"] * 2 + ["random"] * 2
    for picture in found.pictures:
        assert max(picture.size) == 360
        assert picture.truth.tobytes() != picture.prediction.tobytes()
        assert len(data_uri(picture.truth)) < 60_000


@pytest.mark.parametrize("name", RUNS)
def test_the_whole_truth_and_nothing_below_the_threshold_is_shown(project: Project, name: str) -> None:
    found = gallery(project, name, 12)
    items = read_json(project.annotations("validation"))["annotations"]
    results = read_json(project.run(name).results_of(TASKS[name].judged_by))
    for picture in found.pictures:
        number = int(picture.name.removesuffix(".jpg"))
        true = [CATEGORY_NAMES[a["category_id"] - 1] for a in items if a["image_id"] == number]
        shown = [r for r in results if r["image_id"] == number and r["score"] >= found.threshold]
        texts = [f"{CATEGORY_NAMES[r['category_id'] - 1]} {r['score']:.2f}" for r in shown]
        assert picture.truth_text == ", ".join(true)
        assert sorted(picture.prediction_text.split(", ")) == sorted(texts or ["nothing"])


@pytest.mark.parametrize("name", RUNS)
def test_truth_and_prediction_of_the_same_shape_are_drawn_alike(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results that are the annotations themselves give the picture of the truth, but for the scores in the labels."""
    project = write_project(tmp_path, 4, {name: name})
    items = read_json(project.annotations("validation"))["annotations"]
    for item in items:
        item["keypoints"][2::3] = [2] * (len(item["keypoints"]) // 3)
    coco = read_json(project.annotations("validation"))
    write_json(project.annotations("validation"), coco | {"annotations": items})
    write_json(project.run(name).results_of(TASKS[name].judged_by), [RESULT_OF[name](item) for item in items])
    monkeypatch.setattr("matchrcnn.drawing.DrawnItem.label", property(lambda item: "garment"))
    monkeypatch.setattr("matchrcnn.reporting.gallery.detections.found_items", in_file_order(project, name))
    for picture in gallery(project, name, 4).pictures:
        assert picture.quality == pytest.approx(1)
        assert picture.errors == ()
        assert np.array_equal(picture.truth, picture.prediction)


def in_file_order(project: Project, name: str) -> Callable:
    """`found_items` with the last of the file first: of equal scores."""
    from matchrcnn.reporting.gallery import detections

    whole = detections.found_items

    def found_items(judged: object, stream: object, one: object) -> list:
        order = np.argsort(one.detections)[::-1]
        return [whole(judged, stream, one)[place] for place in order]

    return found_items


def masked(item: dict) -> dict:
    from pycocotools import mask as coco_mask

    rle = coco_mask.merge(coco_mask.frPyObjects(item["segmentation"], 160, 160))
    return {"segmentation": {"size": rle["size"], "counts": rle["counts"].decode()}}


RESULT_OF: dict[str, Callable[[dict], dict]] = {
    name: lambda item, part=part: {key: item[key] for key in ("image_id", "category_id")} | {"score": 0.5} | part(item)
    for name, part in {
        "detection": lambda item: {"bbox": item["bbox"]},
        "segmentation": masked,
        "landmarks": lambda item: {"keypoints": item["keypoints"]},
    }.items()
}


def test_pictures_can_be_filtered_by_what_the_image_holds(project: Project) -> None:
    found = gallery(project, "detection", 12)
    items = read_json(project.annotations("validation"))["annotations"]
    for picture in found.pictures:
        own = [a for a in items if a["image_id"] == int(picture.name.removesuffix(".jpg"))]
        assert set(picture.categories) == {CATEGORIES[a["category_id"] - 1].name for a in own}
        levels = {f"{name}/{ATTRIBUTES[name][a[name] - 1]}" for a in own for name in ATTRIBUTES}
        assert set(picture.subsets) == levels <= set(COLUMNS)
    assert found.choices("categories") == sorted({name for picture in found.pictures for name in picture.categories})


def names(pictures: tuple[Picture, ...]) -> list[str]:
    return sorted(picture.name for picture in pictures)


def test_an_image_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    project = write_project(tmp_path, 3, {"detection": "detection"})
    (project.images("validation") / "000002.jpg").write_bytes(b"no picture")
    assert names(gallery(project, "detection", 3).pictures) == ["000001.jpg", "000003.jpg"]


def test_an_image_is_found_by_its_name_in_the_annotations(tmp_path: Path) -> None:
    project = write_project(tmp_path, 3, {"detection": "detection"})
    coco = read_json(project.annotations("validation"))
    coco["images"][0]["file_name"] = "other/name.jpg"
    write_json(project.annotations("validation"), coco)
    (project.images("validation") / "other").mkdir()
    (project.images("validation") / "000001.jpg").rename(project.images("validation") / "other/name.jpg")
    assert names(gallery(project, "detection", 3).pictures) == ["000002.jpg", "000003.jpg", "other/name.jpg"]


def test_without_images_or_results_there_is_no_gallery(tmp_path: Path) -> None:
    project = write_project(tmp_path, 3, {"detection": "detection"})
    own = project.run("detection")
    write_json(own.result_file("boxes"), [])
    assert Galleries(project).detected(own, 6) is not None
    assert Galleries(project).retrieved(own, 6) is None
    for image in project.images("validation").iterdir():
        image.unlink()
    assert Galleries(project).detected(own, 6) is None
    own.result_file("boxes").unlink()
    assert Galleries(project).detected(own, 6) is None
