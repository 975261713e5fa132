"""Retrieval among the numbers of a run."""

from pathlib import Path
from typing import Any

from tabulate import tabulate

from matchrcnn.evaluation.retrieval import KS, PROTOCOLS, evaluate_retrieval, metrics
from matchrcnn.evaluation.retrieval_files import read_gallery, read_queries, read_retrieved, result_file, split_items
from matchrcnn.files import read_json, sha256, write_json
from matchrcnn.taxonomy import SUBSETS


def add_retrieval(annotations: Path, results: Path, report: Path) -> None:
    """Add `retrieval: {detected_box, ground_truth_box}` to a report's metrics.json and its inputs to protocol.json.

    A protocol without a result file is left out; nothing changes where there is none.

    Args:
        annotations: converted annotations of the split.
        results: the run's folder of results; see `result_file`.
        report: the run's folder of reports; its metrics.json is there already.
    """
    files = {protocol: result_file(results, protocol) for protocol in PROTOCOLS}
    files = {protocol: path for protocol, path in files.items() if path.is_file()}
    if not files:
        return
    queries, gallery = split_items(annotations)
    scored = {name: metrics(evaluate_retrieval(queries, gallery, read_retrieved(path))) for name, path in files.items()}
    write_json(report / "metrics.json", {**read_json(report / "metrics.json"), "retrieval": scored}, indent=True)
    protocol = read_json(report / "protocol.json")
    protocol["results"] |= {f"retrieval/{name}": sha256(path) for name, path in files.items()}
    write_json(report / "protocol.json", protocol, indent=True)


def evaluate_split(annotations: Path, results: Path) -> dict[str, Any]:
    """Score a result file of any framework against a converted split: {overall, ATTRIBUTE: ...}.

    Raises:
        UserError: a file is missing or not of its format.
    """
    return metrics(evaluate_retrieval(*split_items(annotations), read_retrieved(results)))


def evaluate_files(query: Path, gallery: Path, results: Path) -> dict[str, Any]:
    """Score a result file of any framework against the two official ground-truth files: {overall, ATTRIBUTE: ...}.

    Raises:
        UserError: a file is missing or not of its format.
    """
    return metrics(evaluate_retrieval(read_queries(query), read_gallery(gallery), read_retrieved(results)))


def as_text(found: dict[str, Any]) -> str:
    """The metrics of one result file as tables to be read in a terminal."""
    overall = found["overall"]
    names = [*(f"top{k}" for k in KS), "queries", "missed", "chance_top1"]
    tables = [tabulate([[_shown(overall[name]) for name in names]], headers=names, disable_numparse=True)]
    if len(found) > 1:
        rows = [(f"{a}/{level}", _shown(found[a][level]["top20"]), found[a][level]["queries"]) for a, level in SUBSETS]
        tables.append(tabulate(rows, headers=["subset", "top20", "queries"], disable_numparse=True))
    return "\n\n".join(tables)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
