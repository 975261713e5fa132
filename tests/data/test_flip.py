"""A mirrored image's landmarks: where the mirrored pixels are, with left and right of the category exchanged."""

import numpy as np
import pytest
from detectron2.data import detection_utils, transforms
from PIL import Image, ImageOps

from matchrcnn.data.flip import flip_landmarks
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, Category

WIDTH, HEIGHT = 160, 120


def items(classes: list[int], seed: int = 0) -> np.ndarray:
    """Whole, half and not labelled landmarks on distinct pixels of the image, (N, 39, 3)."""
    rng = np.random.default_rng(seed)
    landmarks = np.zeros((len(classes), MAX_LANDMARKS, 3))
    for row, label in enumerate(classes):
        count = CATEGORIES[label].count
        pixels = rng.choice(WIDTH * HEIGHT, count, replace=False)
        visible = rng.integers(0, 3, count)
        points = np.stack([pixels % WIDTH + 0.5, pixels // WIDTH + 0.5, visible], axis=1)
        landmarks[row, :count] = points * (visible > 0)[:, None]
    return landmarks


def test_flipping_twice_gives_the_landmarks_back() -> None:
    classes = np.arange(13)
    landmarks = items([*classes])
    once = flip_landmarks(landmarks, classes, WIDTH)
    assert (once != landmarks).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(flip_landmarks(once, classes, WIDTH), landmarks)


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.name)
def test_a_symmetric_garment_is_its_own_mirror_image(category: Category) -> None:
    """The published figures are symmetric about their middle, but for where an open front is drawn."""
    landmarks = np.zeros((1, MAX_LANDMARKS, 3))
    landmarks[0, : category.count, :2] = (category.points - 0.5) * 100 + [WIDTH / 2, HEIGHT / 2]
    landmarks[0, : category.count, 2] = 2
    flipped = flip_landmarks(landmarks, np.array([category.id - 1]), WIDTH)
    mirrored = landmarks * [-1, 1, 1] + [WIDTH, 0, 0]
    assert median_distance(flipped, landmarks) < median_distance(mirrored, landmarks) / 10


def median_distance(a: np.ndarray, b: np.ndarray) -> float:
    labelled = b[0, :, 2] > 0
    return float(np.median(np.linalg.norm((a - b)[0, labelled, :2], axis=1)))


@pytest.mark.parametrize("label", range(13))
def test_flipped_landmarks_lie_on_the_pixels_painted_at_their_partners(label: int) -> None:
    """Each labelled landmark paints its pixel in a colour of its own; the mirrored picture shows where it went."""
    landmarks = items([label], seed=label)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for number, (x, y, v) in enumerate(landmarks[0]):
        if v:
            pixels[int(y), int(x)] = colour(number)
    mirrored = np.asarray(ImageOps.mirror(Image.fromarray(pixels)))
    flipped = flip_landmarks(landmarks, np.array([label]), WIDTH)
    partners = {a: b for pair in CATEGORIES[label].flip_pairs for a, b in (pair, pair[::-1])}
    for number, (x, y, v) in enumerate(flipped[0]):
        partner = partners.get(number, number)
        assert v == landmarks[0, partner, 2]
        if v:
            assert tuple(mirrored[int(y), int(x)]) == colour(partner)
        else:
            assert (x, y) == (0, 0)


def colour(number: int) -> tuple[int, int, int]:
    return 255 - number, 6 * number, 100 + number


def test_it_is_the_flip_of_detectron2_with_the_categorys_pairs() -> None:
    classes = [*range(13)]
    landmarks = items(classes)
    mirror = transforms.TransformList([transforms.HFlipTransform(WIDTH)])
    flipped = flip_landmarks(landmarks, np.array(classes), WIDTH)
    for row, category in enumerate(CATEGORIES):
        own = landmarks[row, : category.count].ravel().tolist()
        expected = detection_utils.transform_keypoint_annotations(own, mirror, (HEIGHT, WIDTH), category.flip)
        np.testing.assert_allclose(flipped[row, : category.count], expected)


def test_no_items_stay_no_items() -> None:
    assert flip_landmarks(np.zeros((0, MAX_LANDMARKS, 3)), np.zeros(0, int), WIDTH).shape == (0, MAX_LANDMARKS, 3)
