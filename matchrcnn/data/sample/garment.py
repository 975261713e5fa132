"""A garment put on a body: its landmarks and the pieces it is drawn from, in body units."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from matchrcnn.data.sample.cuts import CUTS, Cut, mirrored, silhouette
from matchrcnn.data.sample.figure import Limb, Pose
from matchrcnn.data.sample.style import Style
from matchrcnn.taxonomy import Category, category

Loop = tuple[int, ...]
"""Indices of points along a closed line."""

FRONT_NECK: Loop = (4, 3, 2)
"""The front neckline from right to left, without its ends."""


@dataclass(frozen=True)
class Design:
    """What is the same in every picture of a garment.

    Attributes:
        category_id: 1..13.
        style: its cloth.
        hem: where it ends, 0 (short) .. 1 (long), within its category.
        reach: length of its sleeves, 0..1 within its category.
        fit: widths, as a factor of the cut's.
        flare: width of the hem, as a factor of the cut's.
        neck: depth of the front neckline, as a factor of the schematic's.
        closed: whether the front edges of outwear meet.
    """

    category_id: int
    style: Style
    hem: float
    reach: float
    fit: float
    flare: float
    neck: float
    closed: bool

    @property
    def cut(self) -> Cut:
        """The cut of its category."""
        return CUTS[self.category_id]

    @property
    def category(self) -> Category:
        """Its category."""
        return category(self.category_id)


@dataclass(frozen=True)
class Garment:
    """A design on a body.

    Attributes:
        points: (n, 2) float64: the category's landmarks, then the two armhole points of a cut that has them.
        depth: (n,) how far each lies before the body's middle plane.
        outlines: loops of indices into `points`: together the drawn shape, but for sleeves that cross it and straps.
        trunk: loops of the pieces that hang from the shoulders or the waist.
        sleeves: loops of the left and the right sleeve; empty without sleeves.
        lining: loop of the inside, which shows below the back neckline and between open edges; empty when worn.
        covered: landmarks that the view hides.
    """

    design: Design
    points: np.ndarray
    depth: np.ndarray
    outlines: tuple[Loop, ...]
    trunk: tuple[Loop, ...]
    sleeves: tuple[Loop, ...]
    lining: Loop
    covered: frozenset[int]

    @property
    def landmarks(self) -> np.ndarray:
        """(count, 2): the category's own landmarks."""
        return self.points[: self.design.category.count]


def random_design(rng: np.random.Generator, category_id: int, style: Style) -> Design:
    """A design of a category in a given cloth."""
    hem, reach = rng.uniform(0, 1, 2)
    fit, flare = rng.uniform(0.96, 1.1), rng.uniform(0.85, 1.25)
    neck, closed = rng.uniform(0.9, 2.2), bool(rng.random() < 0.25)
    return Design(category_id, style, float(hem), float(reach), float(fit), float(flare), float(neck), closed)


def put_on(design: Design, pose: Pose, heading: int) -> Garment:
    """The garment in a pose; `heading` -1 or 1 says to which side a wearer seen from the side looks."""
    points = _fitted(design)
    _swing(points, design, pose)
    _follow_arms(points, design, pose)
    _follow_legs(points, design, pose)
    if design.cut.edges and (design.closed or pose.view == "back"):
        _close_front(points, design)
    points = np.concatenate([points, _armholes(points, design)])
    outlines = _outlines(design, pose)
    sleeves = _both(design.cut.sleeve, design)
    inner = {i for sleeve in sleeves for i in sleeve[1:-1]}
    trunk = _without(inner, outlines)
    lining: Loop = ()
    if pose.view == "flat" and design.cut.edges:
        lining, trunk = trunk[0], _without(inner, design.category.panels)
    elif pose.view == "flat" and not design.cut.is_lower:
        lining, trunk = trunk[0], _without(inner, (_with_armholes(design) + FRONT_NECK,))
    covered = _covered(design, pose, points, heading)
    return Garment(design, points, _depth(design, len(points)), outlines, trunk, sleeves, lining, covered)


def _without(landmarks: Set[int], loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
    return tuple(tuple(i for i in loop if i not in landmarks) for loop in loops)


def _both(left: tuple[int, ...], design: Design) -> tuple[Loop, ...]:
    return (left, mirrored(left, design.category)) if left else ()


def _fitted(design: Design) -> np.ndarray:
    """The schematic landmarks stretched to the anchors of the cut, (count, 2)."""
    cut, schematic = design.cut, design.category.points
    across = schematic[:, 0] - 0.5
    hem = cut.hem[0] + design.hem * (cut.hem[1] - cut.hem[0])
    rows = [float(schematic[landmark, 1]) for landmark, _, _ in cut.anchors]
    ys = [hem if y is None else y for _, y, _ in cut.anchors]
    halves = np.array([half * (design.flare if y is None else design.fit) for _, y, half in cut.anchors])
    scales = halves / np.abs(across[[landmark for landmark, _, _ in cut.anchors]])
    x = across * np.interp(schematic[:, 1], rows, scales)
    points = np.stack([x, _interpolate(schematic[:, 1], rows, ys)], 1)
    if cut.front:
        neck = [i for i in cut.front if schematic[i, 1] < 0.4]
        top = points[1, 1]
        points[neck, 1] = top + (points[neck, 1] - top) * design.neck
    return points


def _interpolate(at: np.ndarray, rows: list[float], values: list[float]) -> np.ndarray:
    """Linear interpolation that goes straight on beyond the last row."""
    slope = (values[-1] - values[-2]) / (rows[-1] - rows[-2])
    return np.interp(at, rows, values) + np.maximum(at - rows[-1], 0) * slope


def _swing(points: np.ndarray, design: Design, pose: Pose) -> None:
    """A skirt's hem swings to one side."""
    if not design.cut.leg:
        below = np.maximum(points[:, 1] - 2.2, 0)
        points[:, 0] += pose.swing * below**1.4 / 2


def _follow_arms(points: np.ndarray, design: Design, pose: Pose) -> None:
    cut, schematic = design.cut, design.category.points * (design.category.aspect, 1)
    if not cut.sleeve:
        return
    reach = cut.reach[0] + design.reach * (cut.reach[1] - cut.reach[0])
    loop, half = schematic[list(cut.sleeve)], len(cut.sleeve) // 2
    root, cuff = (loop[0] + loop[-1]) / 2, (loop[half - 1] + loop[half]) / 2
    shares = np.clip((loop - root) @ (cuff - root) / ((cuff - root) @ (cuff - root)), 0.14, 1) * reach
    shares[half - 1 : half + 1] = reach
    widths = np.interp(shares, [0, 0.3, 1], [0.36, 0.31, 0.23]) * design.fit**2 * np.repeat([1, -1], half)
    for side, landmarks in enumerate(_both(cut.sleeve, design)):
        inner = list(landmarks[1:-1])
        points[inner] = pose.arm(side).at(shares[1:-1], widths[1:-1])


def _follow_legs(points: np.ndarray, design: Design, pose: Pose) -> None:
    cut = design.cut
    for side, landmarks in enumerate(_both(cut.leg, design)):
        leg: Limb = pose.leg(side)
        moved = points[list(landmarks)]
        shares = (moved[:, 1] - leg.root[1]) / leg.length
        lowest = moved[:, 1] >= moved[:, 1].max() - 0.5
        hem_middle = np.abs(moved[lowest, 0]).mean()
        middle = leg.root[0] + (hem_middle - leg.root[0]) * np.clip(shares / shares.max(), 0, 1)
        points[list(landmarks)] = leg.at(shares, np.abs(moved[:, 0]) - middle)


def _close_front(points: np.ndarray, design: Design) -> None:
    left, right = _both(design.cut.edges, design)
    middle = (points[list(left)] + points[list(right)]) / 2
    points[list(left)] = np.add(middle, (-0.02, 0))
    points[list(right)] = np.add(middle, (0.02, 0))


def _armholes(points: np.ndarray, design: Design) -> np.ndarray:
    """A point on each armhole, (2, 2), or (0, 2) for a cut without."""
    if design.cut.armhole is None:
        return np.empty((0, 2))
    above, below = (points[[i, design.category.flip[i]]] for i in design.cut.armhole)
    middle = above + 0.62 * (below - above)
    middle[:, 0] *= 0.86
    return middle


def _outlines(design: Design, pose: Pose) -> tuple[Loop, ...]:
    if design.cut.edges and pose.view in ("front", "side"):
        return design.category.panels
    loop = silhouette(design.category_id)
    if design.cut.is_lower:
        return (loop,)
    neck = FRONT_NECK if pose.view in ("front", "side") else (0,)
    return (_with_armholes(design) + neck,)


def _with_armholes(design: Design) -> Loop:
    """The outline past the armholes; it leaves out the tips of straps, which are pieces of their own."""
    loop = silhouette(design.category_id)
    if design.cut.armhole is None:
        return loop
    count, below = design.category.count, design.cut.armhole[1]
    left, right = loop.index(below), loop.index(int(design.category.flip[below]))
    return (*loop[:left], count, *loop[left : right + 1], count + 1, *loop[right + 1 :])


def _depth(design: Design, count: int) -> np.ndarray:
    depth = np.zeros(count)
    if design.cut.front:
        depth[0] = -0.3
        depth[list(design.cut.front)] = 0.42
    return depth


def _covered(design: Design, pose: Pose, points: np.ndarray, heading: int) -> frozenset[int]:
    count = design.category.count
    if pose.view == "back":
        return frozenset(design.cut.front)
    covered = {0} if pose.worn and not design.cut.is_lower else set()
    if pose.view == "side":
        covered |= {i for i in range(count) if points[i, 0] * heading > 0.45}
    return frozenset(covered)
