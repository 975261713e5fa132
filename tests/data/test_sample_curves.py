"""Outlines go through their points, keep their corners, and end at the picture's border."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchrcnn.data.sample.curves import area, clip, ellipse, smooth, strip

SQUARE = np.array([(0.0, 0.0), (10, 0), (10, 10), (0, 10)])


def test_a_smooth_outline_goes_through_its_points() -> None:
    points = ellipse(np.array([5.0, 5.0]), (4, 2), 0.3, points=9)
    assert smooth(points, steps=4)[::4] == pytest.approx(points)


def test_a_few_points_on_a_circle_become_nearly_a_circle() -> None:
    curve = smooth(ellipse(np.zeros(2), (1, 1), points=10), steps=8)
    assert np.hypot(*curve.T) == pytest.approx(1, abs=0.02)


def test_right_angles_stay_corners() -> None:
    assert area(smooth(SQUARE)) == pytest.approx(100)


def test_an_open_curve_ends_at_its_ends() -> None:
    line = np.array([(0.0, 0.0), (1, 1), (2, 0)])
    curve = smooth(line, closed=False, steps=5)
    assert len(curve) == 11
    assert curve[[0, -1]] == pytest.approx(line[[0, -1]])


def test_a_strip_has_the_width_asked_for() -> None:
    assert area(strip(np.array([(0.0, 0.0), (3, 4)]), 0.5)) == pytest.approx(5)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-60, 120), st.integers(-60, 120)), min_size=3, max_size=3, unique=True),
    st.integers(20, 60),
)
def test_clipping_keeps_the_part_inside(corners: list[tuple[int, int]], width: int) -> None:
    """Compared with a count of the cells of a fine grid inside both the triangle and the rectangle."""
    triangle, cell = np.array(corners, float), 0.25
    kept = clip(triangle, width, 40)
    assert kept.size == 0 or (kept.min() >= 0 and (kept.max(0) <= (width, 40)).all())
    x, y = np.meshgrid(np.arange(cell / 2, width, cell), np.arange(cell / 2, 40, cell))
    sides = zip(triangle, np.roll(triangle, -1, 0), strict=True)
    turns = np.stack([(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) for p, q in sides])
    counted = ((turns > 0).all(0) | (turns < 0).all(0)).sum() * cell**2
    assert area(kept) == pytest.approx(counted, abs=cell * 2 * (width + 40))


def test_a_polygon_outside_leaves_nothing() -> None:
    assert len(clip(SQUARE + 100, 50, 50)) == 0
