"""What each image of a split shows, before anything is drawn."""

from dataclasses import dataclass

import numpy as np

from matchrcnn.data.sample.cuts import BOTTOMS, DRESSES, OUTWEAR, TOPS
from matchrcnn.data.sample.figure import View
from matchrcnn.data.sample.identities import SPLITS, Group, Identity, Source, Wardrobe, Worn, identities
from matchrcnn.data.sample.quirks import quirky_images

VIEWS: tuple[View, ...] = ("flat", "front", "side", "back")
VIEW_SHARES = {"shop": (0.13, 0.75, 0.06, 0.06), "user": (0.1, 0.69, 0.12, 0.09)}

COMPANION_LOYALTY = 0.75
"""How often an identity's other garments are worn with the main one, rather than something without a style."""

LAYERS = (BOTTOMS, TOPS, DRESSES, OUTWEAR)
"""From the innermost to the outermost."""


@dataclass(frozen=True)
class ImagePlan:
    """One image: its number, where it comes from, what it shows.

    Attributes:
        garments: from the innermost to the outermost.
        focus: index of the garment that the image is about.
        quirk: name of the defect that its files get; None for most.
    """

    split: str
    number: int
    source: Source
    pair_id: int
    view: View
    garments: tuple[Worn, ...]
    focus: int
    quirk: str | None

    def rng(self, seed: int, purpose: int) -> np.random.Generator:
        """Random numbers of this image alone, another sequence for each purpose."""
        return np.random.default_rng([seed, SPLITS.index(self.split), self.number, purpose])


def plan_split(seed: int, split: str, images: int) -> list[ImagePlan]:
    """The plans of a split's images in the order of their numbers, 1..images."""
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    wardrobe = Wardrobe(rng)
    wanted = [(who, source) for who in identities(rng, wardrobe, split, images) for source in who.sources]
    order, quirks = rng.permutation(images), quirky_images(rng, split, images)
    plans = []
    for number, (identity, source) in enumerate((wanted[which] for which in order), 1):
        view = VIEWS[rng.choice(len(VIEWS), p=VIEW_SHARES[source])]
        garments, focus = _garments(rng, wardrobe, identity, source, view)
        plans.append(ImagePlan(split, number, source, identity.pair_id, view, garments, focus, quirks.get(number)))
    return plans


def _garments(
    rng: np.random.Generator, wardrobe: Wardrobe, identity: Identity, source: Source, view: View
) -> tuple[tuple[Worn, ...], int]:
    """The garments of an image from the innermost to the outermost, and the index of the one in focus."""
    main = identity.outfit[0]
    if identity.twin and source == "user" and rng.random() < 0.5:
        main = identity.twin
    others = [] if view == "flat" else [_companion(rng, wardrobe, identity, group) for group in identity.companions]
    garments = tuple(sorted([main, *others], key=_layer))
    return garments, garments.index(main) if rng.random() < 0.75 else int(rng.integers(len(garments)))


def _companion(rng: np.random.Generator, wardrobe: Wardrobe, identity: Identity, group: Group) -> Worn:
    own = [worn for worn in identity.outfit[1:] if worn.design.category_id in group]
    if own and rng.random() < COMPANION_LOYALTY:
        return own[0]
    category_id = wardrobe.pick(group)
    wardrobe.count((category_id,))
    return Worn(0, wardrobe.new(category_id))


def _layer(worn: Worn) -> int:
    return next(layer for layer, group in enumerate(LAYERS) if worn.design.category_id in group)
