"""How each category is cut: which landmarks sit where on a body, and which follow an arm or a leg.

Lengths are body units: half the width of the shoulders is 1, y points down from the base of the neck.
"""

from dataclasses import dataclass

from matchrcnn.taxonomy import Category, category

WAIST, CROTCH = 2.15, 3.4

TOPS, OUTWEAR, BOTTOMS, DRESSES = (1, 2, 5, 6), (3, 4), (7, 8, 9), (10, 11, 12, 13)


@dataclass(frozen=True)
class Cut:
    """Where a category's landmarks go; left means left in the picture, right ones follow by the flip.

    Attributes:
        anchors: (0-based landmark, y on the body, half the width there); y None: at the garment's hem.
        sleeve: left landmarks from the shoulder around the cuff to the armpit; empty: no sleeve.
        leg: left landmarks that move with the leg.
        reach: shortest and longest sleeve as a share of the arm.
        hem: highest and lowest hem, y on the body.
        armhole: left landmarks between which an armhole curves inwards.
        front: landmarks of the front neckline and edges, hidden from behind.
        edges: left front edge from the collar to the hem, for garments that open.
    """

    anchors: tuple[tuple[int, float | None, float], ...]
    hem: tuple[float, float]
    sleeve: tuple[int, ...] = ()
    reach: tuple[float, float] = (0.0, 0.0)
    leg: tuple[int, ...] = ()
    armhole: tuple[int, int] | None = None
    front: tuple[int, ...] = (2, 3, 4)
    edges: tuple[int, ...] = ()

    @property
    def is_lower(self) -> bool:
        """Whether the garment hangs from the waist."""
        return not self.front


_SHORT, _LONG = tuple(range(6, 12)), tuple(range(6, 16))
_NECK, _SHOULDER = (1, 0.0, 0.42), (6, 0.14, 1.0)

CUTS: dict[int, Cut] = {
    1: Cut((_NECK, _SHOULDER, (11, 0.92, 0.86), (14, None, 0.9)), (2.35, 2.95), _SHORT, (0.3, 0.46)),
    2: Cut((_NECK, _SHOULDER, (15, 0.95, 0.86), (18, None, 0.9)), (2.35, 3.05), _LONG, (0.9, 1.0)),
    3: Cut(
        (_NECK, _SHOULDER, (11, 1.0, 0.96), (14, None, 1.06)),
        (2.4, 3.6),
        _SHORT,
        (0.32, 0.5),
        front=(2, 3, 4, 25, 26, 27, 28, 29, 30, 15),
        edges=(3, 29, 30, 15),
    ),
    4: Cut(
        (_NECK, _SHOULDER, (15, 1.05, 0.98), (18, None, 1.1)),
        (2.5, 4.6),
        _LONG,
        (0.9, 0.98),
        front=(2, 3, 4, 33, 34, 35, 36, 37, 38, 19),
        edges=(3, 37, 38, 19),
    ),
    5: Cut(((6, 0.06, 0.74), (7, 1.05, 0.86), (9, None, 0.92)), (2.35, 2.95), armhole=(6, 7)),
    6: Cut(((6, 0.04, 0.52), (1, 0.62, 0.52), (7, 1.05, 0.82), (9, None, 0.94)), (2.2, 2.8), armhole=(1, 7)),
    7: Cut(((0, WAIST, 0.68), (3, 2.95, 0.9), (4, None, 1.1)), (3.85, 4.7), leg=(4, 5), front=()),
    8: Cut(((0, WAIST, 0.68), (3, CROTCH, 0.84), (5, None, 0.9)), (6.7, 7.2), leg=(4, 5, 6, 7), front=()),
    9: Cut(((0, WAIST, 0.66), (4, None, 1.2)), (3.7, 5.6), front=()),
    10: Cut((_NECK, _SHOULDER, (11, 0.92, 0.84), (14, 2.05, 0.68), (16, None, 1.35)), (4.0, 5.9), _SHORT, (0.28, 0.46)),
    11: Cut((_NECK, _SHOULDER, (15, 0.95, 0.84), (18, 2.05, 0.68), (20, None, 1.35)), (4.0, 6.0), _LONG, (0.9, 1.0)),
    12: Cut(((6, 0.06, 0.74), (7, 1.05, 0.84), (9, 2.05, 0.68), (11, None, 1.35)), (4.0, 5.8), armhole=(6, 7)),
    13: Cut(
        ((6, 0.04, 0.52), (1, 0.62, 0.52), (7, 1.05, 0.8), (9, 2.05, 0.66), (11, None, 1.25)),
        (4.0, 5.9),
        armhole=(1, 7),
    ),
}
"""Category id -> cut."""


def mirrored(landmarks: tuple[int, ...], of: Category) -> tuple[int, ...]:
    """The landmarks opposite to these, in the same order."""
    return tuple(int(of.flip[i]) for i in landmarks)


def silhouette(category_id: int) -> tuple[int, ...]:
    """The outline without the back neckline: from the left of the neck around the garment to its right."""
    outline = category(category_id).outline
    return outline if CUTS[category_id].is_lower else outline[1:]
