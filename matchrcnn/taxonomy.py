"""The taxonomy of DeepFashion2: 13 categories, 294 landmarks, OKS sigmas, four item attributes with three levels each.

The facts are in `taxonomy.json` next to this module: landmark order and schematic positions were digitised from the
definition figure of the DeepFashion2 repository, the sigmas are the 294 values of its evaluation code.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib import resources

import numpy as np
import orjson

ATTRIBUTES: dict[str, tuple[str, str, str]] = {
    "scale": ("small", "moderate", "large"),
    "occlusion": ("slight", "medium", "heavy"),
    "zoom_in": ("no", "medium", "large"),
    "viewpoint": ("no_wear", "frontal", "side_or_back"),
}
"""Attribute name -> names of its levels; annotations hold the level as 1, 2 or 3."""

SUBSETS: tuple[tuple[str, str], ...] = tuple((name, level) for name, levels in ATTRIBUTES.items() for level in levels)
"""The 12 evaluation subsets, (attribute, level name), in the column order of the published tables."""

SOURCES = ("shop", "user")


@dataclass(frozen=True, eq=False)
class Category:
    """One of the 13 categories with its landmarks.

    Attributes:
        id: 1..13, as in the annotations.
        offset: global 0-based index of its first landmark.
        count: number of its landmarks, 8..39.
        points: schematic landmark positions, (count, 2) float64, x right and y down, in the unit box that they span.
        aspect: width of that box over its height.
        outline: 0-based landmarks along the closed silhouette.
        panels: silhouettes of an open garment's halves as 0-based landmarks; empty where there are none.
        silhouette: drawn silhouette, (n, 2), where it has vertices that are no landmarks; None elsewhere.
        straps: pairs of 0-based landmarks that a thin strap connects.
        flip_pairs: pairs of 0-based landmarks that a horizontal flip exchanges.
    """

    id: int
    name: str
    offset: int
    count: int
    points: np.ndarray
    aspect: float
    outline: tuple[int, ...]
    panels: tuple[tuple[int, ...], ...]
    silhouette: np.ndarray | None
    straps: tuple[tuple[int, int], ...]
    flip_pairs: tuple[tuple[int, int], ...]

    @property
    def landmarks(self) -> slice:
        """Its landmarks among all 294."""
        return slice(self.offset, self.offset + self.count)

    @cached_property
    def flip(self) -> np.ndarray:
        """Where each of its landmarks comes from when the image is mirrored: (count,) int64, an involution."""
        order = np.arange(self.count)
        for left, right in self.flip_pairs:
            order[[left, right]] = right, left
        return order

    @property
    def sigmas(self) -> np.ndarray:
        """OKS sigmas of its landmarks, (count,) float64."""
        return SIGMAS[self.landmarks]


def _zero_based(numbers: list[int]) -> tuple[int, ...]:
    return tuple(number - 1 for number in numbers)


def _category(entry: dict) -> Category:
    silhouette = entry.get("silhouette_xy")
    return Category(
        id=entry["id"],
        name=entry["name"],
        offset=entry["offset"],
        count=entry["count"],
        points=np.array(entry["points_sym"]),
        aspect=entry["aspect_sym"],
        outline=_zero_based(entry["outline"]),
        panels=tuple(_zero_based(panel) for panel in entry.get("panels", [])),
        silhouette=None if silhouette is None else np.array(silhouette),
        straps=tuple((a - 1, b - 1) for a, b in entry["strap_segments"]),
        flip_pairs=tuple((a - 1, b - 1) for a, b in entry["flip"]),
    )


_FACTS = orjson.loads(resources.files(__package__).joinpath("taxonomy.json").read_bytes())

SIGMAS: np.ndarray = np.array(_FACTS["sigmas"])
"""OKS sigmas of the 294 landmarks, (294,) float64."""

CATEGORIES: tuple[Category, ...] = tuple(_category(entry) for entry in _FACTS["categories"])
"""The 13 categories, in the order of their ids 1..13."""

NUM_CATEGORIES = len(CATEGORIES)
NUM_LANDMARKS = len(SIGMAS)
MAX_LANDMARKS = max(category.count for category in CATEGORIES)
"""Landmarks of the category that has most of them: 39."""

CATEGORY_NAMES: tuple[str, ...] = tuple(category.name for category in CATEGORIES)


def category(category_id: int) -> Category:
    """The category of an id 1..13.

    Raises:
        KeyError: there is no such id.
    """
    if not 1 <= category_id <= NUM_CATEGORIES:
        raise KeyError(category_id)
    return CATEGORIES[category_id - 1]
