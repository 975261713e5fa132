"""Which cells are read with caution."""

from matchrcnn.evaluation.intervals.small import is_small, is_small_share


def test_a_category_needs_fewer_items_than_a_mean_over_categories() -> None:
    assert is_small(29, "occlusion/heavy")
    assert not is_small(30, "occlusion/heavy")
    assert not is_small(29, "category/skirt")
    assert is_small(9, "category/skirt")


def test_a_share_of_two_queries_is_small() -> None:
    assert is_small_share(2)
    assert not is_small_share(86)
