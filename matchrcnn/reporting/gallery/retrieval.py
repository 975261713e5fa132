"""Queries of a retrieval run with what was retrieved for them, hits and misses marked."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from matchrcnn.evaluation.retrieval.outcomes import NEVER, Outcomes, evaluate_retrieval
from matchrcnn.project import Run
from matchrcnn.reporting.gallery.detections import data_uri, spread
from matchrcnn.retrieval.files import (
    GalleryItems,
    QueryItems,
    Retrieved,
    read_retrieved,
    split_items,
)
from matchrcnn.taxonomy import CATEGORY_NAMES, SUBSETS

SHOWN = 8
"""Retrieved boxes of a query that the page shows."""

EDGE = 128
MARGIN = 0.08
"""Of a box's sides, shown around it."""


@dataclass(frozen=True)
class Crop:
    """A box of an image as a data URI, and whether it is a hit."""

    name: str
    picture: str
    size: tuple[int, int]
    hit: bool = False


@dataclass(frozen=True)
class QueryRow:
    """A query, what was retrieved for it, and what the row can be filtered by; fields as in `gallery.Picture`.

    Attributes:
        wanted: the first shop item of the query's identity.
        crops: what was retrieved, best score first.
    """

    pick: str
    quality: float
    query: Crop
    wanted: Crop | None
    crops: tuple[Crop, ...]
    categories: tuple[str, ...]
    subsets: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class RetrievalGallery:
    """The rows of a run."""

    run: str
    pictures: tuple[QueryRow, ...]
    queries: int

    def choices(self, field: str) -> list[str]:
        """What a filter offers: the values of `categories`, `subsets` or `errors`, in order of their names."""
        return sorted({value for row in self.pictures for value in getattr(row, field)})


@dataclass(frozen=True, eq=False)
class _Scored:
    """Truth, results and outcomes of a run, and where its images lie."""

    queries: QueryItems
    gallery: GalleryItems
    retrieved: Retrieved
    outcomes: Outcomes
    images: Path


def build_retrieval_gallery(
    run: Run, annotations: Path, images: Path, count: int, seed: int
) -> RetrievalGallery | None:
    """Choose about `count` queries, a third each best, worst and random; None without results or images.

    A query that the detector missed has nothing to show and is not among them.
    """
    if not run.results_of(run.task.judged_by).exists() or not annotations.exists():
        return None
    scored = _score(run, annotations, images)
    chosen = choose_queries(scored.outcomes, scored.queries.categories, count, seed)
    rows = tuple(_rows(scored, chosen))
    return RetrievalGallery(run.name, rows, len(scored.outcomes.items)) if rows else None


def choose_queries(outcomes: Outcomes, categories: np.ndarray, count: int, seed: int) -> list[tuple[str, int]]:
    """(pick, index among the queries): earliest first hit and latest, over the categories in turn, then random ones."""
    found = np.flatnonzero((outcomes.standing >= 0) & (outcomes.matches > 0))
    kinds = categories[outcomes.items]
    ranked = [int(query) for query in found[np.argsort(outcomes.first_hit[found], kind="stable")]]
    share = max(1, min(count, len(ranked)) // 3)
    best = spread(ranked, [int(kinds[query]) for query in ranked])[:share]
    left = [query for query in reversed(ranked) if query not in best]
    worst = spread(left, [int(kinds[query]) for query in left])[:share]
    left = sorted(set(left) - set(worst))
    chosen = random.Random(seed).sample(left, min(len(left), share))
    return [(pick, query) for pick, some in (("best", best), ("worst", worst), ("random", chosen)) for query in some]


def _score(run: Run, annotations: Path, images: Path) -> _Scored:
    queries, shop = split_items(annotations)
    retrieved = read_retrieved(run.results_of(run.task.judged_by))
    return _Scored(queries, shop, retrieved, evaluate_retrieval(queries, shop, retrieved), images)


def _rows(scored: _Scored, chosen: Sequence[tuple[str, int]]) -> Iterator[QueryRow]:
    """Rows of the chosen queries; one with an image that cannot be read is left out."""
    for pick, query in chosen:
        try:
            query_crop, wanted, crops = _query(scored, query), _wanted(scored, query), tuple(_crops(scored, query))
        except OSError:
            continue
        rank = int(scored.outcomes.first_hit[query])
        yield QueryRow(
            pick=pick,
            quality=1 / (1 + rank) if rank < NEVER else 0.0,
            query=query_crop,
            wanted=wanted,
            crops=crops,
            categories=(CATEGORY_NAMES[scored.queries.categories[scored.outcomes.items[query]] - 1],),
            subsets=_subsets(int(scored.outcomes.columns[query])),
            errors=(f"first hit: {rank + 1}" if rank < NEVER else "no hit",),
        )


def _query(scored: _Scored, query: int) -> Crop:
    """The detected box that stands for the query."""
    row = scored.outcomes.standing[query]
    return _crop(scored.images, int(scored.retrieved.image_ids[row]), scored.retrieved.boxes[row])


def _wanted(scored: _Scored, query: int) -> Crop | None:
    shop, own = scored.gallery, scored.outcomes.items[query]
    same = (shop.pair_ids == scored.queries.pair_ids[own]) & (shop.styles == scored.queries.styles[own])
    if not same.any():
        return None
    first = int(same.argmax())
    return _crop(scored.images, int(shop.image_ids[first]), shop.boxes[first])


def _crops(scored: _Scored, query: int) -> Iterator[Crop]:
    """The first retrieved boxes."""
    row = scored.outcomes.standing[query]
    for rank in range(min(SHOWN, int(scored.retrieved.counts[row]))):
        image, box = int(scored.retrieved.gallery_image_ids[row, rank]), scored.retrieved.gallery_boxes[row, rank]
        yield _crop(scored.images, image, box, bool(scored.outcomes.hits[query, rank]))


def _crop(images: Path, image_id: int, box: np.ndarray, hit: bool = False) -> Crop:
    name = f"{image_id:06d}.jpg"
    with Image.open(images / name) as file:
        image = file.convert("RGB")
    x1, y1, x2, y2 = box
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    left, top = max(0, round(x1 - dx)), max(0, round(y1 - dy))
    right, bottom = min(image.width, round(x2 + dx)), min(image.height, round(y2 + dy))
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    picture = ImageOps.contain(part, (EDGE, EDGE))
    return Crop(name, data_uri(picture), picture.size, hit)


def _subsets(columns: int) -> tuple[str, ...]:
    return tuple(f"{attribute}/{level}" for bit, (attribute, level) in enumerate(SUBSETS) if columns >> bit & 1)
