"""A run's result files scored, and all numbers about it written to its report folder, each file once."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matchrcnn.config import EvaluationParams
from matchrcnn.errors import UserError
from matchrcnn.evaluation.coco.metrics import cell_intervals, cell_values, nested
from matchrcnn.evaluation.coco.precision import RECALLS
from matchrcnn.evaluation.errors.diagnosis import diagnose
from matchrcnn.evaluation.errors.landmarks import diagnose_landmarks
from matchrcnn.evaluation.intervals.paired import resampled_bytes
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Results, read_results
from matchrcnn.evaluation.retrieval.run import ScoredRetrieval, read_of_split, score_retrieval
from matchrcnn.evaluation.scoring import Evaluation, evaluate_stream
from matchrcnn.files import json_bytes, sha256, write_json, write_together
from matchrcnn.paths import lookup, nest
from matchrcnn.project import (
    CONFUSION,
    DIAGNOSIS,
    HEADLINE,
    INTERVALS,
    METRICS,
    PRECISION_RECALL,
    PROTOCOL,
    RESAMPLES,
    Run,
)
from matchrcnn.retrieval.files import read_split
from matchrcnn.subsets import OVERALL
from matchrcnn.tasks import BOXES, DETECTION_STREAMS, EMBEDDINGS, LANDMARKS, MASKS, STREAMS, TASKS, Stream
from matchrcnn.taxonomy import CATEGORY_NAMES

DIAGNOSES: dict[Stream, Callable[[GroundTruth, Results, Evaluation], dict[str, Any]]] = {
    BOXES: diagnose,
    MASKS: diagnose,
    LANDMARKS: diagnose_landmarks,
}
"""What is wrong with a stream's detections, told from its first score."""

_CURVES = {0.5: 0, 0.75: 5}
"""IoU of a curve in precision_recall.csv -> its place among the thresholds."""


@dataclass(frozen=True, eq=False)
class Scores:
    """All that was measured of a run.

    Attributes:
        detections: evaluations by the keys of their scores.
        retrieval: the same of retrieval.
        diagnosis: errors, by kind of the stream.
        digests: SHA-256 of the result files, by kind of the stream, of retrieval by key of the score.
    """

    detections: dict[str, Evaluation]
    retrieval: dict[str, ScoredRetrieval]
    diagnosis: dict[str, Any]
    digests: dict[str, str]


def evaluate_run(run: Run, annotations: Path, params: EvaluationParams) -> None:
    """Score all result files of a run and write the files of its report that hold numbers.

    Everything is computed before anything is written; metrics.json is written last, and removed before.

    Raises:
        UserError: a result file that the run's task needs is missing, or a file is wrong.
    """
    write_scores(run.reports, annotations, score_files(annotations, result_files(run), params), params)


def result_files(run: Run) -> dict[str, Path]:
    """Return the result files of a run that are there, by their names in `tasks`.

    Raises:
        UserError: one that the run's task needs is missing.
    """
    task = TASKS[run.params.task]
    needed = {file for stream in task.predicts for file in stream.files}
    files = {file: run.result_file(file) for stream in STREAMS.values() for file in stream.files}
    missing = [str(path) for file, path in files.items() if file in needed and not path.is_file()]
    if missing:
        raise UserError(
            f"{', '.join(missing)}: no such file, but a run of task {task.name} is scored on it; "
            f"`dvc repro predict@{run.name}` writes it"
        )
    return {file: path for file, path in files.items() if path.is_file()}


def score_files(annotations: Path, files: Mapping[str, Path], params: EvaluationParams) -> Scores:
    """Score result files.

    Args:
        annotations: converted annotations of the split.
        files: result files by their names in `tasks`, as boxes or retrieval.
        params: subset rule and bootstrap.

    Raises:
        UserError: a file is missing or wrong.
    """
    scores = Scores({}, {}, {}, {})
    streams = [stream for stream in DETECTION_STREAMS if stream.files[0] in files]
    truth = read_ground_truth(annotations) if streams else None
    for stream in streams:
        assert truth is not None
        path = files[stream.files[0]]
        results = read_results(path, truth, stream)
        found = evaluate_stream(truth, results, stream, params)
        scores.detections.update(found)
        scores.diagnosis[stream.kind] = DIAGNOSES[stream](truth, results, found[stream.keys[0]])
        scores.digests[stream.kind] = sha256(path)
    retrieval = [score for score in EMBEDDINGS.scores if score.file in files]
    split = read_split(annotations) if retrieval else None
    for score in retrieval:
        assert split is not None
        path = files[score.file]
        scores.retrieval[score.key] = score_retrieval(
            split.queries, split.gallery, read_of_split(path, annotations, split), params.bootstrap
        )
        scores.digests[score.key] = sha256(path)
    return scores


def write_scores(folder: Path, annotations: Path, scores: Scores, params: EvaluationParams) -> None:
    """Write the files of a report that hold numbers; their names are in `project`."""
    metrics, resampled = _metrics(scores), {key: found.resampled for key, found in _all(scores).items()}
    contents = {
        METRICS: metrics,
        INTERVALS: _intervals(scores),
        PROTOCOL: _protocol(annotations, scores, params),
        DIAGNOSIS: scores.diagnosis,
        HEADLINE: {folder.name: _headline(metrics, scores)},
    }
    files = {name: json_bytes(content, indent=True) for name, content in contents.items()}
    files[PRECISION_RECALL] = _precision_recall(scores).encode()
    files[CONFUSION] = _confusion(scores).encode()
    files[RESAMPLES] = resampled_bytes(resampled)
    write_together(folder, METRICS, files)


def write_evaluation(
    path: Path,
    annotations: Path,
    results: Path,
    stream: Stream,
    scored: dict[str, Evaluation],
    params: EvaluationParams,
) -> None:
    """Write metrics, intervals and protocol of one result file, scored by `evaluate_file`, as one JSON file."""
    scores = Scores(scored, {}, {}, {stream.kind: sha256(results)})
    contents = {
        "metrics": _metrics(scores),
        "intervals": _intervals(scores),
        "protocol": _protocol(annotations, scores, params),
    }
    write_json(path, contents, indent=True)


def _all(scores: Scores) -> dict[str, Evaluation | ScoredRetrieval]:
    return {**scores.detections, **scores.retrieval}


def _metrics(scores: Scores) -> dict[str, Any]:
    detections = {key: cell_values(found.values) for key, found in scores.detections.items()}
    return nest((detections | {key: found.metrics for key, found in scores.retrieval.items()}).items())


def _intervals(scores: Scores) -> dict[str, Any]:
    detections = {key: cell_intervals(*found.interval) for key, found in scores.detections.items()}
    return nest((detections | {key: found.intervals for key, found in scores.retrieval.items()}).items())


def _headline(metrics: dict[str, Any], scores: Scores) -> dict[str, Any]:
    """The few numbers that fit on a page, the overall ones, rounded to four decimals as tables are.

    They are written under the run's name, so that DVC's tables have a column `detection.box.AP` and not one that begins
    with a path.
    """

    def rounded(key: str) -> dict[str, float | None]:
        overall = lookup(metrics, f"{key}/overall")
        return {name: None if value is None else round(value, 4) for name, value in overall.items()}

    return nest((key, rounded(key)) for key in _all(scores))


def _protocol(annotations: Path, scores: Scores, params: EvaluationParams) -> dict[str, Any]:
    def counts(found: Evaluation) -> dict[str, Any]:
        return nested(lambda cell: dict(zip(("images", "items"), found.counts[cell].tolist(), strict=True)))

    return {
        "subset_rule": params.subset_rule,
        "bootstrap": params.bootstrap.model_dump(),
        "annotations": sha256(annotations),
        "results": scores.digests,
        "counts": {key: counts(found) for key, found in scores.detections.items()},
    }


def _precision_recall(scores: Scores) -> str:
    """Precision of the whole split at IoU .50 and .75, mean over categories, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stream", "iou", "recall", "precision"])
    for key, found in scores.detections.items():
        for threshold, index in _CURVES.items():
            precision = np.array([curves.precision[index, OVERALL, :, 0] for curves in found.curves])
            present = precision[precision[:, 0] > -1]
            if len(present):
                rows = zip(RECALLS.round(2).tolist(), present.mean(axis=0).tolist(), strict=True)
                writer.writerows((key, threshold, *row) for row in rows)
    return text.getvalue()


def _confusion(scores: Scores) -> str:
    """Confusion matrices as CSV, a row a pair of categories; "nothing" stands for no item and for no detection."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stream", "true", "predicted", "count"])
    labels = [*CATEGORY_NAMES, "nothing"]
    for kind, found in scores.diagnosis.items():
        matrix = found.get("confusion", {}).get("matrix", ())
        for true, row in zip(labels, matrix, strict=False):
            writer.writerows((kind, true, predicted, count) for predicted, count in zip(labels, row, strict=True))
    return text.getvalue()
