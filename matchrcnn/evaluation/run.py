"""A run's result files scored, and all numbers about it written to its report folder."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from matchrcnn.config import EvaluationParams
from matchrcnn.evaluation.coco.metrics import cell_intervals, cell_values, nested
from matchrcnn.evaluation.coco.precision import RECALLS
from matchrcnn.evaluation.errors.diagnosis import diagnose
from matchrcnn.evaluation.errors.landmarks import diagnose as diagnose_landmarks
from matchrcnn.evaluation.intervals.paired import write_resampled
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Results, read_results
from matchrcnn.evaluation.scoring import PAYLOADS, STREAMS, Evaluation, evaluate_kind
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.subsets import OVERALL
from matchrcnn.taxonomy import CATEGORY_NAMES

_THRESHOLDS = {0.5: 0, 0.75: 5}


def evaluate_run(annotations: Path, results: dict[str, Path], output: Path, params: EvaluationParams) -> None:
    """Score a run's result files and write all numbers about it.

    Writes metrics.json, intervals.json, protocol.json, precision_recall.csv, diagnosis.json, confusion.csv and
    resamples.npz (for `comparison.compare`).

    Args:
        annotations: converted annotations of the split.
        results: kind ("box", "mask", "landmarks") -> result file.
        output: folder of the run's report.
        params: subset rule and bootstrap.

    Raises:
        UserError: a file is missing or wrong.
    """
    truth = read_ground_truth(annotations)
    scored: dict[str, Evaluation] = {}
    diagnosis = {}
    for kind, path in results.items():
        read = read_results(path, truth, PAYLOADS[kind])
        streams = evaluate_kind(truth, read, kind, params)
        diagnosis[kind] = _diagnose(truth, read, kind, streams)
        scored |= streams
    written = {
        "metrics": _metrics(scored),
        "intervals": _intervals(scored),
        "protocol": _protocol(annotations, results, scored, params),
        "diagnosis": diagnosis,
    }
    for name, content in written.items():
        write_json(output / f"{name}.json", content, indent=True)
    write_text(output / "precision_recall.csv", _precision_recall(scored))
    write_text(output / "confusion.csv", _confusion(diagnosis))
    write_resampled(output / "resamples.npz", {name: found.resampled for name, found in scored.items()})


def write_evaluation(
    path: Path, annotations: Path, results: dict[str, Path], scored: dict[str, Evaluation], params: EvaluationParams
) -> None:
    """Write metrics, intervals and protocol as one JSON file."""
    protocol = _protocol(annotations, results, scored, params)
    write_json(path, {"metrics": _metrics(scored), "intervals": _intervals(scored), "protocol": protocol}, indent=True)


def _diagnose(truth: GroundTruth, results: Results, kind: str, streams: dict[str, Evaluation]) -> dict[str, Any]:
    if kind == "landmarks":
        best = next(iter(streams.values())).scored.ranking.detection
        return diagnose_landmarks(truth, results.image[best], results.category[best], results.landmarks(best))
    return diagnose(truth, results, STREAMS[kind], streams[kind])


def _metrics(scored: dict[str, Evaluation]) -> dict[str, Any]:
    return {name: cell_values(found.values) for name, found in scored.items()}


def _intervals(scored: dict[str, Evaluation]) -> dict[str, Any]:
    return {name: cell_intervals(*found.interval) for name, found in scored.items()}


def _protocol(
    annotations: Path, results: dict[str, Path], scored: dict[str, Evaluation], params: EvaluationParams
) -> dict[str, Any]:
    def counts(found: Evaluation) -> dict[str, Any]:
        return nested(lambda cell: dict(zip(("images", "items"), found.counts[cell].tolist(), strict=True)))

    return {
        "subset_rule": params.subset_rule,
        "bootstrap": params.bootstrap.model_dump(),
        "annotations": sha256(annotations),
        "results": {name: sha256(path) for name, path in results.items()},
        "counts": {name: counts(found) for name, found in scored.items()},
    }


def _precision_recall(scored: dict[str, Evaluation]) -> str:
    """Precision of the whole split at IoU .50 and .75, mean over categories, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stream", "iou", "recall", "precision"])
    for name, found in scored.items():
        for threshold, index in _THRESHOLDS.items():
            precision = np.array([curves.precision[index, OVERALL, :, 0] for curves in found.curves])
            present = precision[precision[:, 0] > -1]
            if len(present):
                rows = zip(RECALLS.round(2).tolist(), present.mean(axis=0).tolist(), strict=True)
                writer.writerows((name, threshold, *row) for row in rows)
    return text.getvalue()


def _confusion(diagnosis: dict[str, Any]) -> str:
    """Confusion matrices as CSV, a row a pair of categories; "nothing" stands for no item and for no detection."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stream", "true", "predicted", "count"])
    labels = [*CATEGORY_NAMES, "nothing"]
    for stream in (name for name in ("box", "mask") if name in diagnosis):
        for true, row in zip(labels, diagnosis[stream]["confusion"]["matrix"], strict=True):
            writer.writerows((stream, true, predicted, count) for predicted, count in zip(labels, row, strict=True))
    return text.getvalue()
