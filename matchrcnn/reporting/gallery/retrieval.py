"""Queries of a retrieval run with what was retrieved for them, hits and misses marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from matchrcnn.drawing import crop
from matchrcnn.evaluation.retrieval.outcomes import NEVER, Outcomes, evaluate_retrieval
from matchrcnn.reporting.gallery.choice import Pick, choose
from matchrcnn.retrieval.files import (
    GalleryItems,
    QueryItems,
    Retrieved,
    read_retrieved,
)
from matchrcnn.subsets import COLUMNS, OVERALL
from matchrcnn.taxonomy import CATEGORY_NAMES

SHOWN = 8
"""Retrieved boxes of a query that the page shows."""

EDGE = 128
MARGIN = 0.08
"""Of a box's sides, shown around it."""


@dataclass(frozen=True)
class Crop:
    """A box of an image as an RGB picture, its width and height in pixels, and whether it is a hit."""

    name: str
    picture: Image.Image
    size: tuple[int, int]
    hit: bool = False


@dataclass(frozen=True)
class QueryRow:
    """A query, what was retrieved for it, and what the row can be filtered by; fields as in `detections.Picture`.

    Attributes:
        quality: 1 over the rank of the first hit, 0 without one.
        query: the detected box that stands for it.
        wanted: the first shop item of the query's identity.
        crops: what was retrieved, best score first.
    """

    pick: Pick
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
    run: str, items: tuple[QueryItems, GalleryItems], results: Path, images: Path, count: int, seed: int
) -> RetrievalGallery | None:
    """Choose about `count` queries, a third each best, worst and random, and cut out their pictures.

    A query that the detector missed has nothing to show and is not among them.

    Args:
        run: its name.
        items: queries and gallery of the split.
        results: the run's result file of detected boxes.
        images: folder of the split's pictures.
        count: how many to choose.
        seed: of the choice.

    Returns:
        The gallery; None where no query can be shown.

    Raises:
        UserError: the result file is missing or wrong.
    """
    retrieved = read_retrieved(results)
    scored = _Scored(*items, retrieved, evaluate_retrieval(*items, retrieved), images)
    rows = tuple(_rows(scored, choose_queries(scored.outcomes, scored.queries.categories, count, seed)))
    return RetrievalGallery(run, rows, len(scored.outcomes.items)) if rows else None


def choose_queries(outcomes: Outcomes, categories: np.ndarray, count: int, seed: int) -> list[tuple[Pick, int]]:
    """Choose queries by their first hit: the earliest and the latest, spread over the categories, and random ones.

    Args:
        outcomes: of Q queries.
        categories: 1..13 of each query item, (N,) int64.
        count: how many to choose.
        seed: of the random ones.

    Returns:
        Why each was chosen, and its index among the queries.
    """
    found = np.flatnonzero((outcomes.standing >= 0) & (outcomes.matches > 0))
    kinds = categories[outcomes.items]
    ranked: list[int] = found[np.argsort(outcomes.first_hit[found], kind="stable")].tolist()
    return choose(ranked, lambda query: int(kinds[query]), lambda query: query, count, seed)


def _rows(scored: _Scored, chosen: Sequence[tuple[Pick, int]]) -> Iterator[QueryRow]:
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
    x1, y1, x2, y2 = box.tolist()
    picture = ImageOps.contain(crop(image, (x1, y1, x2, y2), MARGIN), (EDGE, EDGE))
    return Crop(name, picture, picture.size, hit)


def _subsets(columns: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(COLUMNS[:OVERALL]) if columns >> bit & 1)
