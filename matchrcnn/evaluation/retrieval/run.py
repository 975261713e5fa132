"""Result files of retrieval scored, and their numbers as text."""

from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.intervals.paired import Resampled
from matchrcnn.evaluation.retrieval.intervals import resample_retrieval, retrieval_intervals
from matchrcnn.evaluation.retrieval.outcomes import evaluate_retrieval, metrics
from matchrcnn.retrieval.files import (
    GalleryItems,
    Known,
    QueryItems,
    Retrieved,
    SplitItems,
    check_images,
    read_gallery,
    read_queries,
    read_retrieved,
    read_split,
)
from matchrcnn.tasks import TOP_K
from matchrcnn.taxonomy import SUBSETS

NO_INTERVALS = BootstrapParams(resamples=0)


class ScoredRetrieval(NamedTuple):
    """Metrics and intervals of one result file, both nested as {overall, ATTRIBUTE: ...}, and its resamples."""

    metrics: dict[str, Any]
    intervals: dict[str, Any]
    resampled: Resampled


def evaluate_split(annotations: Path, results: Path, bootstrap: BootstrapParams = NO_INTERVALS) -> ScoredRetrieval:
    """Score a result file of any framework against a converted split.

    Raises:
        UserError: a file is missing or not of its format, or the results name an image that the split does not have.
    """
    split = read_split(annotations)
    return score_retrieval(split.queries, split.gallery, read_of_split(results, annotations, split), bootstrap)


def read_of_split(results: Path, annotations: Path, split: SplitItems) -> Retrieved:
    """Read a result file and refuse it where it is of another split than the annotations; errors as above."""
    retrieved = read_retrieved(results)
    known = Known(annotations, split.image_ids)
    check_images(results, retrieved, known, known, whole=True)
    return retrieved


def evaluate_files(
    query: Path, gallery: Path, results: Path, bootstrap: BootstrapParams = NO_INTERVALS
) -> ScoredRetrieval:
    """Score a result file of any framework against the two official ground-truth files.

    Raises:
        UserError: a file is missing or not of its format, or the ground truth has none of the images of the results.
    """
    queries, items, retrieved = read_queries(query), read_gallery(gallery), read_retrieved(results)
    known = Known(query, queries.image_ids), Known(gallery, items.image_ids)
    check_images(results, retrieved, *known, whole=False)
    return score_retrieval(queries, items, retrieved, bootstrap)


def score_retrieval(
    queries: QueryItems, gallery: GalleryItems, retrieved: Retrieved, bootstrap: BootstrapParams
) -> ScoredRetrieval:
    """Score results that were read."""
    outcomes = evaluate_retrieval(queries, gallery, retrieved)
    resampled = resample_retrieval(outcomes, queries.image_ids[outcomes.items], bootstrap)
    return ScoredRetrieval(metrics(outcomes), retrieval_intervals(resampled, bootstrap.level), resampled)


def as_text(scored: ScoredRetrieval) -> str:
    """Return the numbers of one result file as tables for a terminal."""
    found, limits, _ = scored
    names = [*TOP_K, "queries", "missed", "chance_top1"]
    rows = [[_shown(found["overall"][name]) for name in names]]
    if limits:
        rows.append([_ends(limits["overall"].get(name)) for name in names])
    tables = [tabulate(rows, headers=names, disable_numparse=True)]
    if len(found) > 1:
        rows = [
            [f"{a}/{level}", _shown(found[a][level]["top20"]), str(found[a][level]["queries"])] for a, level in SUBSETS
        ]
        tables.append(tabulate(rows, headers=["subset", "top20", "queries"], disable_numparse=True))
    return "\n\n".join(tables)


def _ends(pair: list[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
