"""What is drawn lies where the item lies, in the category's colour, and the photo itself stays as it was."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from matchrcnn.drawing import PALETTE, DrawnItem, crop, draw_items
from matchrcnn.taxonomy import CATEGORIES, Category

GREY = (128, 128, 128)


def _pixels(*items: DrawnItem, size: tuple[int, int] = (200, 240), longer_edge: int | None = None) -> np.ndarray:
    return np.asarray(draw_items(Image.new("RGB", size, GREY), items, longer_edge))


def test_each_category_has_a_colour_of_its_own() -> None:
    assert len(set(PALETTE)) == len(CATEGORIES)


def test_a_box_is_drawn_on_its_edges_and_not_inside() -> None:
    pixels = _pixels(DrawnItem(1, box=(40, 60, 100, 120)))
    color = ImageColor.getrgb(PALETTE[0])
    for x, y in [(40, 100), (139, 100), (90, 179)]:
        assert np.abs(pixels[y - 1 : y + 2, x - 1 : x + 2].astype(int) - color).sum(axis=2).min() == 0
    assert tuple(pixels[120, 90]) == GREY


def test_lines_keep_their_place_when_the_picture_is_scaled() -> None:
    pixels = _pixels(DrawnItem(1, box=(40, 60, 100, 120)), longer_edge=480)
    assert pixels.shape == (480, 400, 3)
    assert tuple(pixels[240, 80]) == ImageColor.getrgb(PALETTE[0])


def test_a_mask_tints_its_pixels_and_no_others() -> None:
    mask = np.zeros((240, 200), bool)
    mask[100:180, 50:150] = True
    pixels = _pixels(DrawnItem(3, mask=mask)).astype(int)
    color = np.array(ImageColor.getrgb(PALETTE[2]))
    assert np.abs(pixels[140, 100] - (GREY + 0.42 * (color - GREY))).max() <= 2
    assert tuple(pixels[200, 100]) == GREY


@pytest.mark.parametrize("garment", CATEGORIES, ids=lambda garment: garment.name)
def test_labelled_landmarks_are_drawn_and_unlabelled_ones_are_not(garment: Category) -> None:
    points = np.c_[garment.points * [120, 140] + [40, 70], np.full(garment.count, 2.0)]
    points[0] = 0
    changed = (_pixels(DrawnItem(garment.id, landmarks=points)) != GREY).any(axis=2)
    x, y = points[1:, :2].round().astype(int).T
    assert changed[y, x].all()
    assert not changed[:8, :8].any()


def test_an_occluded_landmark_looks_different_from_a_visible_one() -> None:
    points = np.zeros((CATEGORIES[8].count, 3))
    points[0] = 100, 120, 2
    visible = _pixels(DrawnItem(9, landmarks=points))[120, 100]
    points[0, 2] = 1
    assert tuple(visible) == ImageColor.getrgb(PALETTE[8])
    assert tuple(_pixels(DrawnItem(9, landmarks=points))[120, 100]) == (255, 255, 255)


@pytest.mark.parametrize("box", [(-50, -50, 30, 30), (190, 230, 400, 400), (0, 0, 0, 0), (-500, 100, 2000, 1)])
def test_items_past_the_border_or_without_area_do_no_harm(box: tuple[float, float, float, float]) -> None:
    assert _pixels(DrawnItem(2, box=box, score=0.5)).shape == (240, 200, 3)


def test_labels_of_items_at_one_place_do_not_cover_each_other() -> None:
    items = [DrawnItem(category, box=(40, 60, 100, 120)) for category in (1, 5)]
    both = _pixels(*items)
    for item, share in zip(items, (0.65, 0.85), strict=True):
        color = ImageColor.getrgb(item.color)
        alone = (_pixels(item) == color).all(axis=2).sum()
        # the second box hides the lines of the first, its label those of its own box: the labels are whole
        assert (both == color).all(axis=2).sum() > share * alone


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(1, 1), (3, 900)])
def test_any_mode_and_size_is_drawn_on(mode: str, size: tuple[int, int]) -> None:
    picture = draw_items(Image.new(mode, size), [DrawnItem(13, box=(0, 0, *size), score=1.0)])
    assert (picture.mode, picture.size) == ("RGB", size)


def test_the_image_itself_is_not_drawn_on() -> None:
    image = Image.new("RGB", (60, 60), GREY)
    draw_items(image, [DrawnItem(1, box=(5, 5, 40, 40))])
    assert (np.asarray(image) == GREY).all()


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((10, 10, 20, 30), (12, 24)),
        ((-5, -5, 5, 5), (6, 6)),  # what is outside is left out
        ((38, 20, 60, 30), (4, 12)),
        ((7, 7, 7, 7), (1, 1)),  # an empty box still has a picture
    ],
)
def test_a_crop_is_the_box_with_its_margin(box: tuple[int, ...], size: tuple[int, int]) -> None:
    assert crop(Image.new("RGB", (40, 40)), box, 0.1).size == size
