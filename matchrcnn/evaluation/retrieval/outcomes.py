"""Consumer-to-shop retrieval by the official rule of DeepFashion2.

In each user image every detection is assigned to the ground-truth item (style 0 included) with which its IoU is
highest, be it 0, the first on ties. Of those assigned to a query (an item of style > 0) and of its category, the one of
highest score stands for it, the first on ties; a query without any is missed. A retrieved box is a hit when its image
holds shop items of the query's pair_id and style and its IoU with one of them is at least 0.5. Top-k is the share of
all queries, missed ones included, with a hit among the first k.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from matchrcnn.paths import nest
from matchrcnn.retrieval.files import TOP, GalleryItems, QueryItems, Retrieved
from matchrcnn.subsets import COLUMNS, OVERALL
from matchrcnn.tasks import TOP_K
from matchrcnn.taxonomy import SUBSETS

KS = tuple(int(name.removeprefix("top")) for name in TOP_K)
HIT_IOU = 0.5
NEVER = TOP
"""Rank of the first hit where there is none."""

SUBSET_GALLERY = 5
"""Subset columns count queries with more gallery items of their identity than this."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of every query.

    Attributes:
        items: (Q,) int64, its place among the query items.
        standing: (Q,) int64, the row of the results that stands for it; -1 where it was missed.
        hits: (Q, 20) bool, which of the retrieved boxes are hits.
        matches: (Q,) int64, gallery items of its identity.
        columns: (Q,) uint16, bits of the subsets that it belongs to.
        gallery_size: items in the gallery, all identities and style 0.
    """

    items: np.ndarray
    standing: np.ndarray
    hits: np.ndarray
    matches: np.ndarray
    columns: np.ndarray
    gallery_size: int

    @property
    def first_hit(self) -> np.ndarray:
        """0-based rank of each query's first hit, (Q,) int64; NEVER where there is none."""
        return np.where(self.hits.any(axis=1), self.hits.argmax(axis=1), NEVER)


def evaluate_retrieval(queries: QueryItems, gallery: GalleryItems, retrieved: Retrieved) -> Outcomes:
    """Follow every query through the official rule."""
    items = np.flatnonzero(queries.styles > 0)
    standing = standing_detections(queries, retrieved)[items]
    return Outcomes(
        items=items,
        standing=standing,
        hits=_hits(queries, gallery, retrieved, items, standing),
        matches=_matches(queries, gallery, items),
        columns=queries.columns[items],
        gallery_size=len(gallery.image_ids),
    )


def metrics(outcomes: Outcomes) -> dict[str, Any]:
    """Return shares 0..1 and counts, nested as {overall, ATTRIBUTE: {LEVEL: ...}}; null where no query counts.

    `chance_top1` is the expected top-1 of a random order of the ground-truth gallery, every query standing for itself.
    Subset columns are there when the queries have attributes.
    """
    subsets = zip(COLUMNS, subset_queries(outcomes) or [], strict=False)
    return nest([("overall", _overall(outcomes)), *((path, _subset(outcomes, counted)) for path, counted in subsets)])


def _subset(outcomes: Outcomes, counted: np.ndarray) -> dict[str, Any]:
    return {f"top{TOP}": _share(outcomes.first_hit[counted] < TOP), "queries": int(counted.sum())}


def subset_queries(outcomes: Outcomes) -> list[np.ndarray] | None:
    """Return which queries count in each subset's column, 12 times (Q,) bool; None when queries have no attributes."""
    if not (outcomes.columns & ~np.uint16(1 << OVERALL)).any():
        return None
    often = outcomes.matches > SUBSET_GALLERY
    return [often & ((outcomes.columns >> column) & 1 == 1) for column in range(len(SUBSETS))]


def _overall(outcomes: Outcomes) -> dict[str, Any]:
    return {
        **{f"top{k}": _share(outcomes.first_hit < k) for k in KS},
        "queries": len(outcomes.items),
        "missed": int((outcomes.standing < 0).sum()),
        "chance_top1": _share(outcomes.matches / max(1, outcomes.gallery_size)),
    }


def standing_detections(queries: QueryItems, retrieved: Retrieved) -> np.ndarray:
    """Return the row of the results that stands for each query item, (N,) int64; -1 where there is none."""
    detection, item = _equal_pairs(retrieved.image_ids, queries.image_ids)
    overlap = box_iou(retrieved.boxes[detection], queries.boxes[item])
    best = np.lexsort((item, -overlap, detection))
    best = best[_firsts(detection[best])]
    detection, item = detection[best], item[best]
    own = retrieved.categories[detection] == queries.categories[item]
    detection, item = detection[own], item[own]
    best = np.lexsort((detection, -retrieved.scores[detection], item))
    best = best[_firsts(item[best])]
    standing = np.full(len(queries.image_ids), -1, np.int64)
    standing[item[best]] = detection[best]
    return standing


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoU of boxes row by row, (n,) float64, from boxes x1, y1, x2, y2, (n, 4) float64 each.

    The steps of pycocotools, which the official code uses, on the widths that it makes: the same numbers to the bit.
    """
    (ax, ay, aw, ah), (bx, by, bw, bh) = (np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], axis=1).T for x in (a, b))
    width = np.minimum(aw + ax, bw + bx) - np.maximum(ax, bx)
    height = np.minimum(ah + ay, bh + by) - np.maximum(ay, by)
    meets = (width > 0) & (height > 0)
    shared = np.where(meets, width * height, 0.0)
    return np.divide(shared, aw * ah + bw * bh - shared, out=np.zeros(len(a)), where=meets)


def _hits(
    queries: QueryItems, gallery: GalleryItems, retrieved: Retrieved, items: np.ndarray, standing: np.ndarray
) -> np.ndarray:
    standing_queries = np.flatnonzero(standing >= 0)
    row, rank = np.nonzero(np.arange(TOP) < retrieved.counts[standing[standing_queries], None])
    query = standing_queries[row]
    entry, shop = _equal_pairs(retrieved.gallery_image_ids[standing[query], rank], gallery.image_ids)
    item = items[query[entry]]
    same = (gallery.pair_ids[shop] == queries.pair_ids[item]) & (gallery.styles[shop] == queries.styles[item])
    query, rank, shop = query[entry[same]], rank[entry[same]], shop[same]
    hit = box_iou(retrieved.gallery_boxes[standing[query], rank], gallery.boxes[shop]) >= HIT_IOU
    hits = np.zeros((len(items), TOP), bool)
    hits[query[hit], rank[hit]] = True
    return hits


def _matches(queries: QueryItems, gallery: GalleryItems, items: np.ndarray) -> np.ndarray:
    """Gallery items of each query's identity."""
    own = np.stack([queries.pair_ids[items], queries.styles[items]], axis=1)
    identities = np.concatenate([own, np.stack([gallery.pair_ids, gallery.styles], axis=1)])
    _, identity = np.unique(identities, axis=0, return_inverse=True)
    return np.bincount(identity[len(items) :], minlength=len(identities))[identity[: len(items)]]


def _equal_pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All (i, j) with left[i] == right[j], ordered by i, then j."""
    order = np.argsort(right, kind="stable")
    start = np.searchsorted(right[order], left, side="left")
    counts = np.searchsorted(right[order], left, side="right") - start
    i = np.repeat(np.arange(len(left)), counts)
    within = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    return i, order[np.repeat(start, counts) + within]


def _firsts(groups: np.ndarray) -> np.ndarray:
    """Where each run of equal values starts, (n,) bool."""
    return np.concatenate([np.ones(min(1, len(groups)), bool), groups[1:] != groups[:-1]])


def _share(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
