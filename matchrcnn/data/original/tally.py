"""Counts of a split: what was found, what was kept, pairs and queries."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

from matchrcnn.data.original.records import DEFECTS, Defect, Record
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORY_NAMES, SOURCES

SKIPPED = ("files", "images", "items", "items_of_skipped_images")


class Member(NamedTuple):
    """An item that belongs to an identity (style > 0), and where it was seen."""

    pair_id: int
    style: int
    source: str
    image_id: int


@dataclass
class Tally:
    """Counts that can be added up: images and items found, kept and skipped, and the kept ones by their properties.

    Attributes:
        counts: how often, by a tuple that names what.
        members: the kept items of style > 0.
        defects: all that was found wrong, in the order of the files.
    """

    counts: Counter[tuple] = field(default_factory=Counter)
    members: list[Member] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)

    @classmethod
    def of_files(cls, defects: list[Defect]) -> "Tally":
        """The start of a tally: files of a split that are neither picture nor annotation."""
        return cls(Counter({("skipped", "files"): len(defects)}), defects=list(defects))

    def add(self, record: Record) -> None:
        """Count a kept image and its items."""
        source, counts = record.source, self.counts
        counts["images", source] += 1
        counts["items", source] += len(record.items)
        counts["items_per_image", len(record.items)] += 1
        for item in record.items:
            counts["category", item.category_id] += 1
            for attribute in ATTRIBUTES:
                counts[attribute, getattr(item, attribute)] += 1
            counts["without", "landmarks"] += not any(item.landmarks[2::3])
            if item.style:
                self.members.append(Member(record.pair_id, item.style, source, record.image_id))

    def skip(self, defect: Defect, items: int = 0) -> None:
        """Count an image that is left out, and the items that are lost with it."""
        self.defects.append(defect)
        self.counts["skipped", "images"] += 1
        self.counts["found", "items"] += items
        self.counts["skipped", "items_of_skipped_images"] += items

    @property
    def kept_items(self) -> int:
        """Items of the kept images that were kept themselves."""
        return sum(self.counts["items", source] for source in SOURCES)

    def merge(self, other: "Tally") -> None:
        """Add the counts of the files that follow."""
        self.counts.update(other.counts)
        self.members += other.members
        self.defects += other.defects

    def summary(self) -> dict[str, Any]:
        """All counts as nested dicts of integers, every name there even where its count is 0."""
        counts = self.counts
        return {
            "images": sum(counts["images", source] for source in SOURCES),
            "items": self.kept_items,
            "found": {name: counts["found", name] for name in ("images", "pictures", "annotations", "items")},
            "skipped": {name: counts["skipped", name] for name in SKIPPED},
            "source": {s: {"images": counts["images", s], "items": counts["items", s]} for s in SOURCES},
            "category": {name: counts["category", n] for n, name in enumerate(CATEGORY_NAMES, 1)},
            **{
                attribute: {level: counts[attribute, n] for n, level in enumerate(levels, 1)}
                for attribute, levels in ATTRIBUTES.items()
            },
            "items_per_image": self._items_per_image(),
            "without_landmarks": counts["without", "landmarks"],
            "without_style": self.kept_items - len(self.members),
            **pairs(self.members),
        }

    def _items_per_image(self) -> dict[str, int]:
        most = max((key[1] for key in self.counts if key[0] == "items_per_image"), default=0)
        return {str(n): self.counts["items_per_image", n] for n in range(most + 1)}

    def defect_counts(self) -> dict[str, dict[str, str | int]]:
        """Kind -> what was done and how often, for the kinds that were met."""
        met = Counter(defect.kind for defect in self.defects)
        return {kind: {"action": action, "count": met[kind]} for kind, action in DEFECTS.items() if met[kind]}


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
