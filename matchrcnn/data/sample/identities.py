"""Who wears what in which image: the table of identities, and one plan an image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from matchrcnn.data.sample.cuts import BOTTOMS, DRESSES, OUTWEAR, TOPS
from matchrcnn.data.sample.figure import View
from matchrcnn.data.sample.garment import Design, random_design
from matchrcnn.data.sample.style import random_style

Source = Literal["shop", "user"]
SOURCES: tuple[Source, ...] = ("shop", "user")
SPLITS = ("train", "validation")

FIRST_PAIR_ID = {"train": 1, "validation": 50001}
"""Identities of the two splits are different people: no pair_id is in both."""

MAIN_WEIGHTS = {
    1: 0.6,
    2: 1.0,
    3: 1.5,
    4: 1.3,
    5: 0.7,
    6: 0.8,
    7: 0.6,
    8: 0.5,
    9: 0.5,
    10: 1.2,
    11: 1.2,
    12: 1.2,
    13: 1.2,
}
"""How often an identity is about a category; tops and bottoms come in as companions too."""

COMPANION_STYLED = 0.55
"""How often a garment worn with the main one belongs to the identity as well."""

VIEWS: tuple[View, ...] = ("flat", "front", "side", "back")
VIEW_SHARES = {"shop": (0.13, 0.75, 0.06, 0.06), "user": (0.1, 0.69, 0.12, 0.09)}


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
    companions: tuple[tuple[int, ...], ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class ImagePlan:
    """One image: its number, where it comes from, what it shows.

    Attributes:
        garments: from the innermost to the outermost.
        focus: index of the garment that the image is about.
    """

    split: str
    number: int
    source: Source
    pair_id: int
    view: View
    garments: tuple[Worn, ...]
    focus: int


def plan_split(seed: int, split: str, images: int) -> list[ImagePlan]:
    """The plans of a split's images in the order of their numbers, 1..images."""
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    wanted = [(identity, source) for identity in _identities(rng, split, images) for source in identity.sources]
    order = rng.permutation(images)
    return [_plan(rng, split, number, *wanted[which]) for number, which in enumerate(order, 1)]


def _identities(rng: np.random.Generator, split: str, images: int) -> Iterator[Identity]:
    """Identities until they fill the split exactly; no two have the same cloth in the same category."""
    deck, pair_id, left = _deck(rng), FIRST_PAIR_ID[split], images
    taken: set[tuple[object, ...]] = set()
    category_id = next(deck)
    while left:
        companions = _companions(rng, category_id)
        outfit = _outfit(rng, category_id, companions)
        looks = {_look(worn.design) for worn in outfit}
        if looks & taken:
            continue
        taken |= looks
        sources = _sources(rng, pair_id)[:left]
        yield Identity(pair_id, outfit, _twin(rng, pair_id, outfit[0].design), companions, sources)
        pair_id, left, category_id = pair_id + 1, left - len(sources), next(deck)


def _look(design: Design) -> tuple[object, ...]:
    return design.category_id, design.style.pattern, design.style.colours[:2]


def _deck(rng: np.random.Generator) -> Iterator[int]:
    """Main categories without end, each as often as its weight says, dealt as evenly as can be."""
    due = {category_id: float(rng.uniform()) for category_id in MAIN_WEIGHTS}
    while True:
        category_id = min(due, key=due.__getitem__)
        due[category_id] += 1 / MAIN_WEIGHTS[category_id]
        yield category_id


def _sources(rng: np.random.Generator, pair_id: int) -> tuple[Source, ...]:
    """The sources of an identity's images; every eleventh has a single image, which no other one matches."""
    if pair_id % 11 == 6:
        return (SOURCES[rng.integers(2)],)
    shop, user = rng.choice([1, 2, 3, 4, 7], p=[0.12, 0.3, 0.3, 0.18, 0.1]), rng.choice([1, 2, 3], p=[0.45, 0.35, 0.2])
    pairs = min(shop, user)
    return ("shop", "user") * pairs + ("shop",) * (shop - pairs) + ("user",) * (user - pairs)


def _companions(rng: np.random.Generator, category_id: int) -> tuple[tuple[int, ...], ...]:
    """What else somebody wears with a garment of this category."""
    over = (OUTWEAR,) if rng.random() < 0.12 else ()
    if category_id in OUTWEAR:
        return ((12, 13),) if rng.random() < 0.3 else (BOTTOMS, (1, 5, 6))
    if category_id in DRESSES:
        return over
    return (TOPS,) if category_id in BOTTOMS else (BOTTOMS, *over)


def _outfit(rng: np.random.Generator, category_id: int, companions: tuple[tuple[int, ...], ...]) -> tuple[Worn, ...]:
    categories = [category_id] + [_pick(rng, group) for group in companions if rng.random() < COMPANION_STYLED]
    return tuple(Worn(style, _new(rng, of)) for style, of in enumerate(categories, 1))


def _pick(rng: np.random.Generator, group: tuple[int, ...]) -> int:
    return group[rng.integers(len(group))]


def _new(rng: np.random.Generator, category_id: int) -> Design:
    return random_design(rng, category_id, random_style(rng))


def _twin(rng: np.random.Generator, pair_id: int, design: Design) -> Worn | None:
    """Every eighth identity is annotated inconsistently, as some are in the original data."""
    if pair_id % 8 != 3:
        return None
    groups = (TOPS, OUTWEAR, BOTTOMS, DRESSES)
    others = next(tuple(i for i in group if i != design.category_id) for group in groups if design.category_id in group)
    return Worn(1, random_design(rng, _pick(rng, others), design.style))


def _plan(rng: np.random.Generator, split: str, number: int, identity: Identity, source: Source) -> ImagePlan:
    main = identity.outfit[0]
    if identity.twin and source == "user" and rng.random() < 0.5:
        main = identity.twin
    view = VIEWS[rng.choice(4, p=VIEW_SHARES[source])]
    others = [] if view == "flat" else [_companion(rng, identity, group) for group in identity.companions]
    garments = sorted([main, *others], key=_layer)
    focus = main if rng.random() < 0.75 else garments[rng.integers(len(garments))]
    at = next(i for i, worn in enumerate(garments) if worn is focus)
    return ImagePlan(split, number, source, identity.pair_id, view, tuple(garments), at)


def _companion(rng: np.random.Generator, identity: Identity, group: tuple[int, ...]) -> Worn:
    own = [worn for worn in identity.outfit[1:] if worn.design.category_id in group]
    return own[0] if own and rng.random() < 0.85 else Worn(0, _new(rng, _pick(rng, group)))


def _layer(worn: Worn) -> int:
    """Trousers and skirts lie under tops, those under dresses, and outwear over all."""
    groups = (BOTTOMS, TOPS, DRESSES, OUTWEAR)
    return next(layer for layer, group in enumerate(groups) if worn.design.category_id in group)
