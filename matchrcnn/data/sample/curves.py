"""Smooth outlines through a few points, clipped to the picture."""

import numpy as np

CORNER_DEGREES = 58.0
"""An outline that turns by more than this at a point has a corner there; elsewhere it is smooth."""


def smooth(points: np.ndarray, closed: bool = True, steps: int = 4) -> np.ndarray:
    """A Catmull-Rom curve through `points`, with corners where the outline turns sharply.

    Args:
        points: (n, 2) float64.
        closed: whether the curve returns to its first point; the ends of an open one are corners.
        steps: points of the result for each segment.

    Returns:
        (n * steps, 2), or ((n - 1) * steps + 1, 2) for an open curve.
    """
    following = np.arange(1, len(points) + 1) % len(points)
    after = points[following] - points
    before = after[following - 2]
    tangents = _tangents(before, after)
    if not closed:
        tangents[[0, -1]] = 0
    t = (np.arange(steps) / steps)[:, None, None]
    p, q, u, v = points, points[following], tangents, tangents[following]
    curve = (2 * t**3 - 3 * t**2 + 1) * p + (t**3 - 2 * t**2 + t) * u + (3 * t**2 - 2 * t**3) * q + (t**3 - t**2) * v
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else curve[: (len(points) - 1) * steps + 1]


def _tangents(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Half the way from the point before to the point after, no longer than the shorter side; zero at corners."""
    reach, leave = np.hypot(*before.T), np.hypot(*after.T)
    turn = np.abs(np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(1)))
    chord = (before + after) / 2
    length = np.maximum(np.hypot(*chord.T), 1e-9)
    scale = np.minimum(1, np.minimum(reach, leave) / length) * (np.degrees(turn) <= CORNER_DEGREES)
    return chord * scale[:, None]


def strip(points: np.ndarray, widths: np.ndarray | float) -> np.ndarray:
    """The outline of a band along an open line.

    Args:
        points: (n, 2) float64, the middle of the band.
        widths: half its width, at each point or everywhere.

    Returns:
        (2n, 2).
    """
    along = np.gradient(points, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], 1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    offset = normal * np.broadcast_to(np.asarray(widths), len(points))[:, None]
    return np.concatenate([points + offset, (points - offset)[::-1]])


def ellipse(centre: np.ndarray, radii: tuple[float, float], tilt: float = 0.0, points: int = 28) -> np.ndarray:
    """An ellipse as a polygon, (points, 2); `tilt` in radians."""
    angle = np.arange(points) * 2 * np.pi / points
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    return np.stack([x * cosine - y * sine, x * sine + y * cosine], 1) + centre


def clip(polygon: np.ndarray, width: float, height: float) -> np.ndarray:
    """The part of a polygon inside [0, width] x [0, height], (m, 2); m may be 0 (Sutherland and Hodgman, 1974)."""
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        polygon = _clip_half_plane(polygon, axis, limit, sign)
    return polygon


def _clip_half_plane(polygon: np.ndarray, axis: int, limit: float, sign: int) -> np.ndarray:
    inside = (polygon[:, axis] - limit) * sign >= 0
    if inside.all():
        return polygon
    kept = []
    for here, there, in_here, in_there in zip(
        polygon, np.roll(polygon, -1, 0), inside, np.roll(inside, -1), strict=True
    ):
        if in_here:
            kept.append(here)
        if in_here != in_there:
            share = (limit - here[axis]) / (there[axis] - here[axis])
            crossing = here + share * (there - here)
            crossing[axis] = limit
            kept.append(crossing)
    return np.array(kept).reshape(-1, 2)


def area(polygon: np.ndarray) -> float:
    """Area of a polygon without self-intersections, (n, 2), in its units squared."""
    x, y = polygon.T if len(polygon) else (np.zeros(1), np.zeros(1))
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
