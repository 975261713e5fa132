"""Which items and images count in a subset, by rule."""

import numpy as np

from matchrcnn.subsets import ALL_COLUMNS, OVERALL, column_bits, membership

SMALL, MODERATE, WHOLE = 1 << 0, 1 << 1, 1 << OVERALL
IMAGE = np.array([0, 0, 1])
BITS = np.array([SMALL | WHOLE, MODERATE | WHOLE, MODERATE | WHOLE], np.uint16)


def test_levels_set_one_bit_an_attribute_and_the_overall_one() -> None:
    assert column_bits(np.array([[1, 2, 3, 1]])).tolist() == [1 << 0 | 1 << 4 | 1 << 8 | 1 << 9 | WHOLE]


def test_subset_images_count_where_the_subset_has_an_item() -> None:
    found = membership("subset_images", BITS, IMAGE, 3)
    assert found.items.tolist() == BITS.tolist()
    assert found.images.tolist() == [SMALL | MODERATE | WHOLE, MODERATE | WHOLE, WHOLE]


def test_all_images_count_everywhere() -> None:
    found = membership("all_images", BITS, IMAGE, 3)
    assert found.items.tolist() == BITS.tolist()
    assert found.images.tolist() == [ALL_COLUMNS] * 3


def test_whole_images_count_with_all_their_items() -> None:
    found = membership("whole_images", BITS, IMAGE, 3)
    assert found.items.tolist() == [SMALL | MODERATE | WHOLE, SMALL | MODERATE | WHOLE, MODERATE | WHOLE]


def test_an_item_ignored_everywhere_makes_no_image_count() -> None:
    bits = np.array([0, MODERATE | WHOLE, 0], np.uint16)
    for rule in ("subset_images", "whole_images"):
        found = membership(rule, bits, IMAGE, 3)
        assert found.items.tolist() == [0, MODERATE | WHOLE, 0]
        assert found.images.tolist() == [MODERATE | WHOLE, WHOLE, WHOLE]
