"""Retrieval among the numbers of a run."""

from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.intervals.paired import Resampled, read_resampled, write_resampled
from matchrcnn.evaluation.retrieval.intervals import resample_retrieval, retrieval_intervals
from matchrcnn.evaluation.retrieval.outcomes import KS, PROTOCOLS, evaluate_retrieval, metrics
from matchrcnn.files import read_json, sha256, write_json
from matchrcnn.retrieval.files import (
    GalleryItems,
    QueryItems,
    Retrieved,
    read_gallery,
    read_queries,
    read_retrieved,
    result_file,
    split_items,
)
from matchrcnn.taxonomy import SUBSETS

NO_INTERVALS = BootstrapParams(resamples=0)


class ScoredRetrieval(NamedTuple):
    """Metrics and intervals of one result file, both nested as {overall, ATTRIBUTE: ...}, and its resamples."""

    metrics: dict[str, Any]
    intervals: dict[str, Any]
    resampled: Resampled


def add_retrieval(annotations: Path, results: Path, report: Path, bootstrap: BootstrapParams = NO_INTERVALS) -> None:
    """Add `retrieval: {detected_box, ground_truth_box}` to a report's metrics and intervals, protocol and resamples.

    A protocol without a result file is left out; nothing changes where there is none.

    Args:
        annotations: converted annotations of the split.
        results: the run's folder of results; see `result_file`.
        report: the run's folder of reports, in which `evaluate_run` has written.
        bootstrap: of the intervals.
    """
    files = {protocol: result_file(results, protocol) for protocol in PROTOCOLS}
    files = {protocol: path for protocol, path in files.items() if path.is_file()}
    if not files:
        return
    queries, gallery = split_items(annotations)
    scored = {name: _score(queries, gallery, read_retrieved(path), bootstrap) for name, path in files.items()}
    for file in ("metrics", "intervals"):
        own = {name: getattr(found, file) for name, found in scored.items()}
        write_json(report / f"{file}.json", {**read_json(report / f"{file}.json"), "retrieval": own}, indent=True)
    resampled = {f"retrieval/{name}": found.resampled for name, found in scored.items()}
    write_resampled(report / "resamples.npz", {**read_resampled(report / "resamples.npz"), **resampled})
    protocol = read_json(report / "protocol.json")
    protocol["results"] |= {f"retrieval/{name}": sha256(path) for name, path in files.items()}
    write_json(report / "protocol.json", protocol, indent=True)


def evaluate_split(annotations: Path, results: Path, bootstrap: BootstrapParams = NO_INTERVALS) -> ScoredRetrieval:
    """Score a result file of any framework against a converted split.

    Raises:
        UserError: a file is missing or not of its format.
    """
    return _score(*split_items(annotations), read_retrieved(results), bootstrap)


def evaluate_files(
    query: Path, gallery: Path, results: Path, bootstrap: BootstrapParams = NO_INTERVALS
) -> ScoredRetrieval:
    """Score a result file of any framework against the two official ground-truth files.

    Raises:
        UserError: a file is missing or not of its format.
    """
    return _score(read_queries(query), read_gallery(gallery), read_retrieved(results), bootstrap)


def _score(
    queries: QueryItems, gallery: GalleryItems, retrieved: Retrieved, bootstrap: BootstrapParams
) -> ScoredRetrieval:
    outcomes = evaluate_retrieval(queries, gallery, retrieved)
    resampled = resample_retrieval(outcomes, queries.image_ids[outcomes.items], bootstrap)
    return ScoredRetrieval(metrics(outcomes), retrieval_intervals(resampled, bootstrap.level), resampled)


def as_text(scored: ScoredRetrieval) -> str:
    """The numbers of one result file as tables to be read in a terminal."""
    found, limits, _ = scored
    names = [*(f"top{k}" for k in KS), "queries", "missed", "chance_top1"]
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
