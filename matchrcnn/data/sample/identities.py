"""The table of identities: which garments belong to whom, and how many pictures of them there are."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from matchrcnn.data.sample.cuts import BOTTOMS, DRESSES, OUTWEAR, TOPS
from matchrcnn.data.sample.garment import Design, random_design
from matchrcnn.data.sample.style import random_style

Source = Literal["shop", "user"]
SOURCES: tuple[Source, ...] = ("shop", "user")
SPLITS = ("train", "validation")

FIRST_PAIR_ID = {"train": 1, "validation": 50001}
"""Identities of the two splits are different people: no pair_id is in both."""

POPULARITY = dict(enumerate((1.15, 1.1, 1.05, 1.1, 1.15, 1.15, 1.1, 1.25, 1.15, 1.05, 1.05, 1.1, 1.1), 1))
"""How often a category is worn, as a factor of the average."""

COMPANION_STYLED = 0.2
"""How often a garment worn with the main one belongs to the identity as well."""

SHOP_IMAGES, SHOP_SHARES = (1, 2, 3, 4, 7), (0.12, 0.3, 0.3, 0.18, 0.1)
USER_IMAGES, USER_SHARES = (1, 2, 3), (0.45, 0.35, 0.2)
"""How many images of each source an identity has, and how often."""

Group = tuple[int, ...]
"""Category ids of which somebody wears one."""


@dataclass(frozen=True)
class Worn:
    """A garment in an image: its style number (0: no identity) and its design."""

    style: int
    design: Design


@dataclass(frozen=True)
class Identity:
    """A customer-to-shop match.

    Attributes:
        pair_id: its number.
        outfit: its garments, all with a style of 1 or more; the first is the one that it is about.
        twin: another cut of that garment's cloth, shown under the same style by some user images; or None.
        companions: groups of categories of which one garment each is worn with the first.
        sources: where its images come from.
    """

    pair_id: int
    outfit: tuple[Worn, ...]
    twin: Worn | None
    companions: tuple[Group, ...]
    sources: tuple[Source, ...]


class Wardrobe:
    """Hands out new garments so that every category comes up about as often as its popularity says."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._worn = defaultdict[int, float](float)

    def pick(self, group: Group) -> int:
        """The category of a group that is most overdue, more or less."""
        return min(group, key=lambda i: self._worn[i] / POPULARITY[i] + self._rng.uniform(0, 3))

    def reserve(self, identity: Identity) -> None:
        """Remember what an identity's images will show, as far as it is known."""
        images = len(identity.sources)
        for group in [(worn.design.category_id,) for worn in identity.outfit] + list(identity.companions):
            if len(group) == 1 or not any(worn.design.category_id in group for worn in identity.outfit[1:]):
                self.count(group, images)

    def count(self, group: Group, images: int = 1) -> None:
        """Remember that so many images show one category of a group."""
        for category_id in group:
            self._worn[category_id] += images / len(group)

    def new(self, category_id: int) -> Design:
        """A garment of a category in a cloth of its own."""
        return random_design(self._rng, category_id, random_style(self._rng, category_id))


def identities(rng: np.random.Generator, wardrobe: Wardrobe, split: str, images: int) -> Iterator[Identity]:
    """Identities until they fill a split exactly; no two have the same cloth in the same category."""
    pair_id, left = FIRST_PAIR_ID[split], images
    taken: set[tuple[object, ...]] = set()
    while left:
        identity = _identity(rng, wardrobe, pair_id, left)
        looks = {(worn.design.category_id, worn.design.style.look) for worn in identity.outfit}
        if looks.isdisjoint(taken):
            taken |= looks
            pair_id, left = pair_id + 1, left - len(identity.sources)
            wardrobe.reserve(identity)
            yield identity


def _identity(rng: np.random.Generator, wardrobe: Wardrobe, pair_id: int, most: int) -> Identity:
    category_id = wardrobe.pick(tuple(POPULARITY))
    companions = _companions(rng, category_id)
    outfit = _outfit(rng, wardrobe, pair_id, category_id, companions)
    twin = _twin(rng, wardrobe, outfit[0].design) if pair_id % 8 == 3 else None
    return Identity(pair_id, outfit, twin, companions, _sources(rng, pair_id)[:most])


def _sources(rng: np.random.Generator, pair_id: int) -> tuple[Source, ...]:
    """The sources of an identity's images; every eleventh has a single image, which no other one matches."""
    if pair_id % 11 == 6:
        return (SOURCES[rng.integers(2)],)
    shop, user = int(rng.choice(SHOP_IMAGES, p=SHOP_SHARES)), int(rng.choice(USER_IMAGES, p=USER_SHARES))
    pairs = min(shop, user)
    surplus: Source = "shop" if shop > user else "user"
    return SOURCES * pairs + (surplus,) * abs(shop - user)


def _companions(rng: np.random.Generator, category_id: int) -> tuple[Group, ...]:
    """What else somebody wears with a garment of this category."""
    over = (OUTWEAR,) if rng.random() < 0.12 else ()
    if category_id in OUTWEAR:
        return ((12, 13),) if rng.random() < 0.3 else (BOTTOMS, (1, 5, 6))
    if category_id in DRESSES:
        return over
    return (TOPS,) if category_id in BOTTOMS else (BOTTOMS, *over)


def _outfit(
    rng: np.random.Generator, wardrobe: Wardrobe, pair_id: int, category_id: int, companions: tuple[Group, ...]
) -> tuple[Worn, ...]:
    """Garments of an identity; every ninth is a two-piece: two garments of one cloth and one style."""
    main = wardrobe.new(category_id)
    if pair_id % 9 == 5 and companions:
        return Worn(1, main), Worn(1, random_design(rng, wardrobe.pick(companions[0]), main.style))
    others = [wardrobe.new(wardrobe.pick(group)) for group in companions if rng.random() < COMPANION_STYLED]
    return tuple(Worn(style, design) for style, design in enumerate([main, *others], 1))


def _twin(rng: np.random.Generator, wardrobe: Wardrobe, design: Design) -> Worn:
    """The same cloth in another category: some identities of the original data are annotated inconsistently."""
    group = next(group for group in (TOPS, OUTWEAR, BOTTOMS, DRESSES) if design.category_id in group)
    others = tuple(i for i in group if i != design.category_id)
    return Worn(1, random_design(rng, wardrobe.pick(others), design.style))
