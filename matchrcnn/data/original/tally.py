"""Counts of a split: what was found, what was kept, pairs and queries."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple, TypedDict

from matchrcnn.data.original.records import DEFECTS, Defect, Record
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES, SOURCES

SKIPPED = ("files", "images", "items", "items_of_skipped_images")
FOUND = ("images", "pictures", "annotations", "items")


class Member(NamedTuple):
    """An item that belongs to an identity (style > 0), and where it was seen."""

    pair_id: int
    style: int
    source: str
    image_id: int


class ItemKind(NamedTuple):
    """All that an item is counted by."""

    source: str
    category_id: int
    scale: int
    occlusion: int
    zoom_in: int
    viewpoint: int
    has_style: bool
    has_landmarks: bool


class DefectCount(TypedDict):
    """What is done about a kind of defect, and how often it was."""

    action: str
    count: int


@dataclass
class Tally:
    """Counts that can be added up.

    Attributes:
        found: files and items by what they are, before anything was left out.
        skipped: what of them was left out.
        images: kept images by source ("" in a split without annotations) and number of kept items.
        items: kept items of kept images.
        members: those of style > 0.
        defects: all that was found wrong, in the order of the files.
    """

    found: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    images: Counter[tuple[str, int]] = field(default_factory=Counter)
    items: Counter[ItemKind] = field(default_factory=Counter)
    members: list[Member] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)

    @classmethod
    def of_files(cls, defects: list[Defect]) -> "Tally":
        """The start of a tally: files of a split that are neither picture nor annotation."""
        return cls(skipped=Counter(files=len(defects)), defects=list(defects))

    def add(self, record: Record) -> None:
        """Count a kept image and its items."""
        source = record.source
        self.images[source, len(record.items)] += 1
        for item in record.items:
            attributes = (item.scale, item.occlusion, item.zoom_in, item.viewpoint)
            labelled = any(item.landmarks[2::3])
            self.items[ItemKind(source, item.category_id, *attributes, item.style > 0, labelled)] += 1
            if item.style:
                self.members.append(Member(record.pair_id, item.style, source, record.image_id))

    def skip(self, defect: Defect, items: int = 0) -> None:
        """Count an image that is left out, and the items that are lost with it."""
        self.defects.append(defect)
        self.found["items"] += items
        self.skipped.update(images=1, items_of_skipped_images=items)

    def merge(self, other: "Tally") -> None:
        """Add the counts of the files that follow."""
        for own, others in ((self.found, other.found), (self.skipped, other.skipped), (self.images, other.images)):
            own.update(others)  # type: ignore[arg-type]
        self.items.update(other.items)
        self.members += other.members
        self.defects += other.defects

    def summary(self) -> dict[str, Any]:
        """All counts as nested dicts of integers, every name there even where its count is 0."""
        return {
            "images": self.images.total(),
            "items": self.items.total(),
            "found": {name: self.found[name] for name in FOUND},
            "skipped": {name: self.skipped[name] for name in SKIPPED},
            "source": {source: self._of_source(source) for source in SOURCES},
            "category": self._by("category_id", CATEGORY_NAMES),
            **{attribute: self._by(attribute, levels) for attribute, levels in ATTRIBUTES.items()},
            "items_per_image": self._items_per_image(),
            "without_landmarks": sum(n for kind, n in self.items.items() if not kind.has_landmarks),
            "without_style": sum(n for kind, n in self.items.items() if not kind.has_style),
            **pairs(self.members),
        }

    def _of_source(self, source: str) -> dict[str, int]:
        return {
            "images": sum(n for key, n in self.images.items() if key[0] == source),
            "items": sum(n for kind, n in self.items.items() if kind.source == source),
        }

    def _by(self, attribute: str, names: Sequence[str]) -> dict[str, int]:
        counts: Counter[int] = Counter()
        for kind, n in self.items.items():
            counts[getattr(kind, attribute)] += n
        return {name: counts[number] for number, name in enumerate(names, 1)}

    def _items_per_image(self) -> dict[str, int]:
        most = max((number for source, number in self.images if source), default=-1)
        return {str(n): sum(self.images[source, n] for source in SOURCES) for n in range(most + 1)}

    def defect_counts(self) -> dict[str, DefectCount]:
        """Kind -> what was done and how often, for the kinds that were met."""
        met = Counter(defect.kind for defect in self.defects)
        return {kind: DefectCount(action=action, count=met[kind]) for kind, action in DEFECTS.items() if met[kind]}


def pairs(members: list[Member]) -> dict[str, int]:
    """Identities, item pairs, image pairs and queries.

    An identity is a pair_id and a style > 0. An item pair is a user and a shop item of one identity; an image pair a
    user and a shop image that share an identity; a query a user item of style > 0, matched if a shop item shares its
    identity.
    """
    seen: dict[tuple[int, int], dict[str, list[int]]] = defaultdict(lambda: {source: [] for source in SOURCES})
    for member in members:
        seen[member.pair_id, member.style][member.source].append(member.image_id)
    image_pairs = {pair for images in seen.values() for pair in product(set(images["user"]), set(images["shop"]))}
    return {
        "identities": len(seen),
        "item_pairs": sum(len(images["user"]) * len(images["shop"]) for images in seen.values()),
        "image_pairs": len(image_pairs),
        "queries": sum(len(images["user"]) for images in seen.values()),
        "queries_without_match": sum(len(images["user"]) for images in seen.values() if not images["shop"]),
    }
