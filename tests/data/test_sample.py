"""The sample data keeps the original's layout, format and definitions, whatever is drawn."""

import colorsys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image, ImageDraw, ImageFilter

from matchrcnn.config import SampleParams
from matchrcnn.data.sample import dataset, write_sample
from matchrcnn.data.sample.annotate import annotate
from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.figure import random_pose
from matchrcnn.data.sample.garment import put_on, random_design
from matchrcnn.data.sample.plan import ImagePlan, plan_split
from matchrcnn.data.sample.scene import draw
from matchrcnn.data.sample.style import Style, random_style
from matchrcnn.errors import UserError
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORIES, CATEGORY_NAMES

PARAMS = SampleParams(seed=1, train_images=16, validation_images=240)
Annotation = dict[str, Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "data set"
    write_sample(root, PARAMS)
    return root


@pytest.fixture(scope="module")
def validation(root: Path) -> dict[int, Annotation]:
    return read(root / "validation")


@pytest.fixture(scope="module")
def plans() -> dict[int, ImagePlan]:
    return {plan.number: plan for plan in plan_split(PARAMS.seed, "validation", PARAMS.validation_images)}


def read(split: Path) -> dict[int, Annotation]:
    return {int(path.stem): orjson.loads(path.read_bytes()) for path in sorted((split / "annos").iterdir())}


def items(annotation: Annotation) -> list[Annotation]:
    return [value for key, value in annotation.items() if key not in ("source", "pair_id")]


@pytest.fixture(scope="module")
def sound(
    root: Path, validation: dict[int, Annotation], plans: dict[int, ImagePlan]
) -> list[tuple[Annotation, tuple[int, int]]]:
    """Items of images without a quirk, with the size of their image."""
    found = []
    for number, annotation in validation.items():
        if plans[number].quirk is None:
            with Image.open(root / "validation" / "image" / f"{number:06}.jpg") as image:
                found += [(item, image.size) for item in items(annotation)]
    return found


def test_layout_is_the_original_one(root: Path) -> None:
    for split, images in (("train", 16), ("validation", 240)):
        for folder, ending in (("image", "jpg"), ("annos", "json")):
            names = sorted(path.name for path in (root / split / folder).iterdir())
            assert names == [f"{number:06}.{ending}" for number in range(1, images + 1)]


def test_annotations_have_the_fields_of_the_original(validation: dict[int, Annotation]) -> None:
    example = orjson.loads((Path(__file__).parents[1] / "data_files" / "example_annotation.json").read_bytes())
    for annotation in validation.values():
        assert {"source", "pair_id"} < set(annotation)
        assert annotation["source"] in ("shop", "user")
        names = set(annotation) - {"source", "pair_id"}
        assert names == {f"item{number}" for number in range(1, len(names) + 1)}
        for item in items(annotation):
            assert set(item) == set(example["item1"])
            assert item["category_name"] == CATEGORY_NAMES[item["category_id"] - 1]
            assert len(item["landmarks"]) == 3 * CATEGORIES[item["category_id"] - 1].count
            assert all(len(polygon) % 2 == 0 for polygon in item["segmentation"])
    assert {len(items(annotation)) for annotation in validation.values()} >= {1, 2, 3}


def test_keys_come_in_no_fixed_order(validation: dict[int, Annotation]) -> None:
    assert len({tuple(annotation) for annotation in validation.values() if len(annotation) == 4}) > 5


def test_scale_is_the_share_of_the_box(sound: list) -> None:
    for item, (width, height) in sound:
        left, top, right, bottom = item["bounding_box"]
        share = (right - left) * (bottom - top) / (width * height)
        assert item["scale"] == (1 if share <= 0.1 else 2 if share <= 0.4 else 3)


def test_zoom_and_occlusion_are_shares_of_landmarks(sound: list) -> None:
    for item, _ in sound:
        seen = item["landmarks"][2::3]
        outside, covered = seen.count(0) / len(seen), seen.count(1) / len(seen)
        assert item["zoom_in"] == (1 if outside == 0 else 2 if outside <= 0.4 else 3)
        assert item["occlusion"] == (1 if covered <= 0.2 else 2 if covered <= 0.6 else 3)


def test_the_levels_agree_with_the_original_example() -> None:
    example = orjson.loads((Path(__file__).parents[1] / "data_files" / "example_annotation.json").read_bytes())
    test_scale_is_the_share_of_the_box([(item, (468, 624)) for item in items(example)])
    test_zoom_and_occlusion_are_shares_of_landmarks([(item, (468, 624)) for item in items(example)])


def test_unlabelled_landmarks_are_zero_and_others_in_the_image(sound: list) -> None:
    for item, size in sound:
        for x, y, seen in np.array(item["landmarks"]).reshape(-1, 3):
            assert (x, y) == (0, 0) if seen == 0 else (0 <= x < size[0] and 0 <= y < size[1])


def test_worn_tops_hide_the_back_of_the_neck_and_backs_hide_the_front(
    sound: list, validation: dict[int, Annotation], plans: dict[int, ImagePlan]
) -> None:
    for item, _ in sound:
        if item["viewpoint"] == 2 and item["category_id"] not in (7, 8, 9):
            assert item["landmarks"][2] != 2
    backs = [item for number in plans if plans[number].view == "back" for item in items(validation[number])]
    tops = [item for item in backs if item["category_id"] not in (7, 8, 9)]
    assert tops
    assert all(item["viewpoint"] == 3 and item["landmarks"][3 * 3 + 2] != 2 for item in tops)


def test_visible_landmarks_lie_on_the_mask(sound: list) -> None:
    for item, size in sound:
        mask = Image.new("L", size)
        for polygon in item["segmentation"]:
            ImageDraw.Draw(mask).polygon(polygon, fill=255)
        near = np.asarray(mask.filter(ImageFilter.MaxFilter(5)))
        assert all(near[y, x] for x, y, seen in np.array(item["landmarks"]).reshape(-1, 3) if seen == 2)


def test_visible_landmarks_show_the_cloth_in_the_picture(plans: dict[int, ImagePlan]) -> None:
    """With the garment in focus dyed magenta, its landmarks are visible where magenta is, and only there."""
    right = wrong = 0
    for plan in [plans[number] for number in range(1, 25)]:
        dye = Style("plain", ((255, 0, 255),) * 3, 1.0, 0)
        worn = plan.garments[plan.focus]
        dyed = list(plan.garments)
        dyed[plan.focus] = replace(worn, style=77, design=replace(worn.design, style=dye))
        scene = draw(PARAMS.seed, replace(plan, garments=tuple(dyed), quirk=None))
        annotation = annotate(PARAMS.seed, scene, replace(plan, garments=tuple(dyed), quirk=None))
        picture = np.asarray(scene.canvas.picture, int)
        magenta = (picture[..., 0] > 60) & (picture[..., 2] > 60) & (picture[..., 1] * 3 < picture[..., 0])
        item = next(item for item in items(annotation) if item["style"] == 77)
        for index, (x, y, seen) in enumerate(np.array(item["landmarks"]).reshape(-1, 3)):
            if seen and index not in scene.garments[plan.focus].covered:
                here = magenta[max(2 * y - 5, 0) : 2 * y + 6, max(2 * x - 5, 0) : 2 * x + 6].mean()
                right, wrong = right + ((here > 0.1) == (seen == 2)), wrong + ((here > 0.1) != (seen == 2))
    assert right > 200
    assert wrong < 0.06 * right


def test_boxes_are_no_tighter_than_the_polygons(sound: list) -> None:
    slack = []
    for item, _ in sound:
        points = np.concatenate([np.array(polygon).reshape(-1, 2) for polygon in item["segmentation"]])
        box = np.array(item["bounding_box"])
        slack.append(np.concatenate([points.min(0) - box[:2], box[2:] - points.max(0)]))
    assert np.min(slack) == 0
    assert np.mean(slack) > 0.5


def test_masks_of_two_items_overlap(validation: dict[int, Annotation]) -> None:
    overlapping = sum(any(box_overlap(a, b) for a, b in pairs(items(annotation))) for annotation in validation.values())
    assert overlapping > 20


def pairs(of: list[Annotation]) -> Iterator[tuple[Annotation, Annotation]]:
    return ((a, b) for i, a in enumerate(of) for b in of[i + 1 :])


def box_overlap(a: Annotation, b: Annotation) -> bool:
    drawn = []
    for item in (a, b):
        mask = Image.new("1", (240, 240))
        for polygon in item["segmentation"]:
            ImageDraw.Draw(mask).polygon(polygon, fill=1)
        drawn.append(np.asarray(mask))
    return int((drawn[0] & drawn[1]).sum()) > 50


def test_every_subset_and_category_holds_items(validation: dict[int, Annotation]) -> None:
    every = [item for annotation in validation.values() for item in items(annotation)]
    for attribute in ATTRIBUTES:
        shares = Counter(item[attribute] for item in every)
        assert min(shares[level] for level in (1, 2, 3)) >= 0.05 * len(every), attribute
    categories = Counter(item["category_id"] for item in every)
    assert min(categories[i] for i in range(1, 14)) >= 20
    assert max(categories.values()) > 1.2 * min(categories.values())
    assert 0.2 < sum(item["style"] == 0 for item in every) / len(every) < 0.4


def test_identities_can_be_retrieved_and_are_not_shared(root: Path, validation: dict[int, Annotation]) -> None:
    train = {annotation["pair_id"] for annotation in read(root / "train").values()}
    assert train.isdisjoint(annotation["pair_id"] for annotation in validation.values())
    sources = defaultdict(Counter)
    for annotation in validation.values():
        for item in items(annotation):
            if item["style"]:
                sources[annotation["pair_id"], item["style"]][annotation["source"]] += 1
    assert sum(len(counts) == 2 for counts in sources.values()) >= 40
    assert sum(counts["shop"] > 5 and counts["user"] > 0 for counts in sources.values()) >= 5


def test_a_style_is_one_cloth_and_no_other_identity_has_it_in_that_category(plans: dict[int, ImagePlan]) -> None:
    cloths, owners = defaultdict(set), defaultdict(set)
    for plan in plans.values():
        for worn in plan.garments:
            if worn.style:
                cloths[plan.pair_id, worn.style].add(worn.design.style)
                owners[worn.design.category_id, worn.design.style].add(plan.pair_id)
    assert {len(styles) for styles in cloths.values()} == {1}
    assert {len(pair_ids) for pair_ids in owners.values()} == {1}
    hues = defaultdict(list)
    for (category_id, style), _ in owners.items():
        hues[category_id].append(colorsys.rgb_to_hls(*(channel / 255 for channel in style.colours[0]))[0])
    near = [abs(one - other) < 0.03 for found in hues.values() for one, other in combinations(found, 2)]
    assert sum(near) > len(near) / 2, "identities of a category share its hue, or retrieval would be trivial"


def test_landmarks_move_beyond_an_affine_map() -> None:
    rng = np.random.default_rng(0)
    for category in CATEGORIES:
        design = random_design(rng, category.id, random_style(rng, category.id))
        poses = [random_pose(rng, "front", 1.0) for _ in range(2)]
        leaning = [Camera(0.0, lean, 0.0, 0.0, 1.0, (0.0, 0.0), (0.0, 0.0)) for lean in (-0.2, 0.2)]
        posed = [camera(put_on(design, pose, 1).landmarks) for camera, pose in zip(leaning, poses, strict=True)]
        source = np.column_stack([posed[0], np.ones(category.count)])
        rest = posed[1] - source @ np.linalg.lstsq(source, posed[1], rcond=None)[0]
        assert np.abs(rest).max() > 0.01, category.name


def test_each_quirk_of_the_original_is_there(root: Path, validation: dict[int, Annotation]) -> None:
    every = [(annotation, item) for annotation in validation.values() for item in items(annotation)]
    assert any(not any(item["landmarks"]) for _, item in every), "an item without any landmark"
    assert any(item["bounding_box"][0] == item["bounding_box"][2] for _, item in every), "a box of zero area"
    assert any(len(polygon) < 6 for _, item in every for polygon in item["segmentation"]), "a polygon of two points"
    assert any(isinstance(value, float) for _, item in every for value in item["bounding_box"]), "a float"
    assert any(past_border(root, number, annotation) for number, annotation in validation.items())
    doubles = [
        annotation
        for annotation in validation.values()
        if max(Counter(item["style"] for item in items(annotation) if item["style"]).values(), default=0) > 1
    ]
    assert doubles, "two items of one identity in one image"
    images = Counter(annotation["pair_id"] for annotation in validation.values())
    assert 1 in images.values(), "an identity with one image"
    queries = defaultdict(set)
    for annotation, item in every:
        if item["style"] and annotation["source"] == "user":
            queries[annotation["pair_id"], item["style"]].add(item["category_id"])
    assert any(len(categories) > 1 for categories in queries.values()), "queries of one identity, other categories"


def past_border(root: Path, number: int, annotation: Annotation) -> bool:
    with Image.open(root / "validation" / "image" / f"{number:06}.jpg") as image:
        width = image.width
    return any(
        item["bounding_box"][2] > width
        and max(max(polygon[0::2]) for polygon in item["segmentation"]) > width
        and max(item["landmarks"][0::3]) >= width
        for item in items(annotation)
    )


def test_one_training_image_is_unreadable(root: Path) -> None:
    broken = []
    for path in sorted((root / "train" / "image").iterdir()):
        try:
            with Image.open(path) as image:
                image.load()
        except OSError:
            broken.append(path)
    assert len(broken) == 1


def test_a_seed_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    sizes = {"train_images": 6, "validation_images": 4}
    write_sample(tmp_path / "a", SampleParams(seed=5, **sizes), workers=1)
    write_sample(tmp_path / "b", SampleParams(seed=5, **sizes), workers=2)
    write_sample(tmp_path / "c", SampleParams(seed=6, **sizes), workers=1)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    differing = [name for name, data in contents(tmp_path / "c").items() if contents(tmp_path / "a")[name] != data]
    assert len(differing) == len(contents(tmp_path / "a"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


TINY = SampleParams(seed=2, train_images=2, validation_images=2)


def test_sample_data_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    write_sample(tmp_path / "data", SampleParams(seed=2, train_images=3, validation_images=1), workers=1)
    write_sample(tmp_path / "data", TINY, workers=1)
    assert len(list((tmp_path / "data" / "train" / "image").iterdir())) == 2
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "me.jpg").write_bytes(b"precious")
    with pytest.raises(UserError, match="photos: holds something that is not sample data"):
        write_sample(foreign, TINY, workers=1)
    assert contents(foreign) == {"me.jpg": b"precious"}


def test_what_fails_leaves_the_old_data_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    write_sample(root, TINY, workers=1)
    before = contents(root)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(dataset, "_write_image", full)
    with pytest.raises(OSError, match="No space"):
        write_sample(root, SampleParams(seed=9, train_images=2, validation_images=2), workers=1)
    assert contents(root) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
