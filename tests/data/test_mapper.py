"""Training's mirroring: each landmark, mask and box is where the mirrored picture shows what was painted there.

The pictures are painted for the purpose: every landmark is a block of a colour of its own, every garment a lopsided
shape in one colour. So the mapped pixels say where things are, and nothing of the mapper's arithmetic is repeated here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from detectron2.structures import BitMasks
from PIL import Image

from matchrcnn.config import ModelParams, Params
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import DatasetEntry, EntryAnnotation, ModelInput
from matchrcnn.taxonomy import CATEGORIES, Category

SIZE = (208, 128)
"""Width and height that the sample preset's network sees; `scale` times as large is the picture as stored."""

CELL = 8
"""Side of a landmark's block in pixels of the network's input."""

SEEDS = range(12)

each_category = pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.name)
each_scale = pytest.mark.parametrize("scale", [1, 2])


def colour(number: int) -> tuple[int, int, int]:
    """Of a landmark or an item, unlike that of any other and the black background."""
    return 250 - 3 * number, 40 + 5 * (number % 40), 20 + 60 * (number % 4)


def annotation(category: Category, keypoints: np.ndarray, shape: list[tuple[int, int, int, int]]) -> EntryAnnotation:
    """An item whose mask are rectangles x1, y1, x2, y2 in pixels."""
    corners = np.array(shape)
    x1, y1, x2, y2 = *corners[:, :2].min(0).tolist(), *corners[:, 2:].max(0).tolist()
    polygons = [[float(n) for n in (a, b, c, b, c, d, a, d)] for a, b, c, d in shape]
    values: dict[str, Any] = {"category_id": category.id - 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "bbox_mode": 1}
    values |= {"segmentation": polygons, "keypoints": keypoints.ravel().tolist(), "pair_id": 4, "style": 1}
    return EntryAnnotation(**values)  # type: ignore[typeddict-item]


def entry(path: Path, pixels: np.ndarray, annotations: list[EntryAnnotation]) -> DatasetEntry:
    """A picture, stored without loss, as an entry of a split."""
    Image.fromarray(pixels).save(path)
    height, width = pixels.shape[:2]
    return DatasetEntry(
        file_name=str(path),
        image_id=1,
        height=height,
        width=width,
        source="user",
        pair_id=4,
        annotations=annotations,
    )


def painted_landmarks(path: Path, category: Category, scale: int) -> tuple[DatasetEntry, np.ndarray]:
    """Two items with a block at each labelled landmark: an entry, and the visibilities of the first (count,)."""
    rng = np.random.default_rng(category.id)
    pixels = np.zeros((scale * SIZE[1], scale * SIZE[0], 3), np.uint8)
    cells = iter(rng.permutation((SIZE[0] // CELL) * (SIZE[1] // CELL)))
    items = []
    for place, own in enumerate((category, CATEGORIES[category.id % 13])):
        keypoints = np.zeros((own.count, 3))
        keypoints[:, 2] = rng.integers(0, 3, own.count)
        for number in np.flatnonzero(keypoints[:, 2]):
            y, x = (scale * CELL * n for n in divmod(int(next(cells)), SIZE[0] // CELL))
            pixels[y : y + scale * CELL, x : x + scale * CELL] = colour(int(number) + 40 * place)
            keypoints[number, :2] = x + scale * CELL / 2, y + scale * CELL / 2
        items.append(annotation(own, keypoints, [(0, 0, 9, 9)]))
    return entry(path, pixels, items), np.array(items[0]["keypoints"])[2::3]


def mapped(model: ModelParams, picture: DatasetEntry, seed: int | None, flip: bool = True) -> ModelInput:
    return Mapper(model, flip, masks=True, landmarks=True)(picture, seed)


def pixels_of(found: ModelInput) -> np.ndarray:
    return found["image"].numpy().transpose(1, 2, 0)


def is_mirrored(found: ModelInput, plain: ModelInput) -> bool:
    """Whether the pixels are those of the picture from right to left; they must be one or the other."""
    mirrored = np.array_equal(pixels_of(found), pixels_of(plain)[:, ::-1])
    assert mirrored != np.array_equal(pixels_of(found), pixels_of(plain))
    return mirrored


@each_scale
@each_category
def test_a_mirrored_landmark_is_where_its_partner_was_painted(
    category: Category, scale: int, sample_preset: Params, tmp_path: Path
) -> None:
    picture, visibilities = painted_landmarks(tmp_path / "picture.png", category, scale)
    plain = mapped(sample_preset.model, picture, None)
    partners = {a: b for pair in category.flip_pairs for a, b in (pair, pair[::-1])}
    seen = set()
    for seed in SEEDS:
        found = mapped(sample_preset.model, picture, seed)
        mirrored = is_mirrored(found, plain)
        seen.add(mirrored)
        keypoints, image = found["instances"].gt_keypoints.tensor[0].numpy(), pixels_of(found)
        for number in range(category.count):
            shown = partners.get(number, number) if mirrored else number
            x, y, visibility = keypoints[number]
            assert visibility == visibilities[shown]
            if visibility:
                assert tuple(image[int(y), int(x)]) == colour(shown)
        assert not keypoints[category.count :].any()
    assert seen == {True, False}


@each_scale
def test_a_mirrored_mask_and_box_are_where_the_garment_was_painted(
    scale: int, sample_preset: Params, tmp_path: Path
) -> None:
    shapes = [[(20, 16, 60, 112), (60, 80, 96, 112)], [(120, 8, 132, 120), (132, 8, 180, 40)]]
    shapes = [[tuple(scale * n for n in rectangle) for rectangle in shape] for shape in shapes]
    pixels = np.zeros((scale * SIZE[1], scale * SIZE[0], 3), np.uint8)
    for number, shape in enumerate(shapes):
        for x1, y1, x2, y2 in shape:
            pixels[y1:y2, x1:x2] = colour(number)
    items = [annotation(CATEGORIES[0], np.zeros((25, 3)), shape) for shape in shapes]
    picture = entry(tmp_path / "picture.png", pixels, items)
    plain = mapped(sample_preset.model, picture, None)
    for seed in SEEDS:
        found = mapped(sample_preset.model, picture, seed)
        is_mirrored(found, plain)
        image, instances = pixels_of(found), found["instances"]
        for number in range(len(shapes)):
            # a resized edge blends with the background: what is nearer to the garment's colour belongs to it
            painted = (np.abs(image.astype(int) - colour(number)) < 0.5 * np.array(colour(number))).all(2)
            mask = BitMasks.from_polygon_masks(instances.gt_masks[number], *image.shape[:2]).tensor[0].numpy()
            assert (mask & painted).sum() / (mask | painted).sum() > 0.95
            rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
            expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            np.testing.assert_allclose(instances.gt_boxes.tensor[number].numpy(), expected, atol=1.01 * (scale > 1))


def test_a_picture_is_mirrored_only_by_a_seed_and_where_training_flips(sample_preset: Params, tmp_path: Path) -> None:
    picture, _ = painted_landmarks(tmp_path / "picture.png", CATEGORIES[0], 1)
    plain = mapped(sample_preset.model, picture, None)
    assert not any(is_mirrored(mapped(sample_preset.model, picture, seed, flip=False), plain) for seed in SEEDS)
    once, again = ([is_mirrored(mapped(sample_preset.model, picture, seed), plain) for seed in SEEDS] for _ in "12")
    assert once == again
