"""From files to numbers: one reading, one similarity, one matching for every column of the tables."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from matchrcnn.config import EvaluationParams
from matchrcnn.evaluation.bootstrap import interval, resample
from matchrcnn.evaluation.comparison import Resampled, write_resampled
from matchrcnn.evaluation.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.matching import match
from matchrcnn.evaluation.metrics import average, cell_intervals, cell_values, nested
from matchrcnn.evaluation.precision import RECALLS, Curves, Scored
from matchrcnn.evaluation.ranking import Groups, Ranking, group, rank
from matchrcnn.evaluation.results import Payload, Results, read_results
from matchrcnn.evaluation.similarity import box_iou, landmark_oks, mask_iou
from matchrcnn.evaluation.subsets import OVERALL, Membership, membership
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.taxonomy import NUM_CATEGORIES

Similarity = Callable[[GroundTruth, Results, Ranking, Groups], np.ndarray]


@dataclass(frozen=True)
class Stream:
    """A kind of result and how it is scored.

    Attributes:
        payload: field of the result file.
        limit: detections that count per image and category.
        similarity: how well a detection fits a ground truth.
        least_visibility: landmarks that count: 2 for visible ones, 1 for occluded ones too, 0 where none are needed.
    """

    payload: Payload
    limit: int
    similarity: Similarity
    least_visibility: int = 0


STREAMS = {
    "box": Stream("bbox", 100, box_iou),
    "mask": Stream("segmentation", 100, mask_iou),
    "landmarks_visible": Stream("keypoints", 20, partial(landmark_oks, 2), 2),
    "landmarks_visible_and_occluded": Stream("keypoints", 20, partial(landmark_oks, 1), 1),
}
"""Streams by their name in metrics.json."""

STREAMS_OF_FILE = {
    "box": ("box",),
    "mask": ("mask",),
    "landmarks": ("landmarks_visible", "landmarks_visible_and_occluded"),
}
"""The streams that a result file is scored for."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scored results.

    Attributes:
        params: how they were scored.
        split: what tells the ground truth from another.
        scored: what precision depends on, after matching.
        curves: precision and recall of each category in the split as it is.
        values: measures of all cells, (26, 5) float64.
        samples: the same of every resample, (B, 26, 5) float64.
        counts: images and items that count in each cell, (26, 2) int64.
    """

    params: EvaluationParams
    split: str
    scored: Scored
    curves: list[Curves]
    values: np.ndarray
    samples: np.ndarray
    counts: np.ndarray

    @property
    def resampled(self) -> Resampled:
        """What a comparison with another run needs."""
        rule, bootstrap = self.params.subset_rule, self.params.bootstrap
        protocol = f"{self.split}, {rule}, {bootstrap.resamples} resamples, seed {bootstrap.seed}"
        return Resampled(self.values, self.samples, protocol)


def evaluate(truth: GroundTruth, results: Results, stream: Stream, params: EvaluationParams) -> Evaluation:
    """Score results that were read."""
    columns = truth.columns
    if stream.least_visibility:
        labelled = (truth.landmarks[:, :, 2] >= stream.least_visibility).any(axis=1)
        columns = np.where(labelled, columns, np.uint16(0))
    members = membership(params.subset_rule, columns, truth.image, truth.num_images)
    ranking = rank(results, truth.num_images, stream.limit)
    groups = group(truth, ranking)
    matches = match(groups, stream.similarity(truth, results, ranking, groups), members.items, len(ranking.image))
    scored = Scored(ranking, matches, members, truth.image, truth.category)
    once = np.ones((truth.num_images, 1), np.int16)
    curves = [Curves.empty(1).fill(scored, k, once) for k in range(NUM_CATEGORIES)]
    samples = resample(scored, truth.num_images, params.bootstrap)
    return Evaluation(
        params, truth.digest, scored, curves, average(curves)[0], samples, _counts(members, truth.category)
    )


def evaluate_file(annotations: Path, results: Path, kind: str, params: EvaluationParams) -> dict[str, Evaluation]:
    """Score one result file ("box", "mask" or "landmarks"): the evaluation of each of its streams."""
    return _evaluate_files(read_ground_truth(annotations), {kind: results}, params)


def _evaluate_files(truth: GroundTruth, files: dict[str, Path], params: EvaluationParams) -> dict[str, Evaluation]:
    scored = {}
    for kind, path in files.items():
        streams = {name: STREAMS[name] for name in STREAMS_OF_FILE[kind]}
        results = read_results(path, truth, next(iter(streams.values())).payload)
        scored.update({name: evaluate(truth, results, stream, params) for name, stream in streams.items()})
    return scored


def evaluate_run(annotations: Path, results: dict[str, Path], output: Path, params: EvaluationParams) -> None:
    """Score a run's result files and write metrics, intervals, protocol and precision-recall curves.

    Args:
        annotations: converted annotations of the split.
        results: stream ("box", "mask", "landmarks") -> result file.
        output: folder of the run's report.
        params: subset rule and bootstrap.
    """
    scored = _evaluate_files(read_ground_truth(annotations), results, params)
    write_json(output / "metrics.json", _metrics(scored), indent=True)
    write_json(output / "intervals.json", _intervals(scored), indent=True)
    write_json(output / "protocol.json", _protocol(annotations, results, scored, params), indent=True)
    write_text(output / "precision_recall.csv", _precision_recall(scored))
    write_resampled(output / "resamples.npz", {name: found.resampled for name, found in scored.items()})


def write_evaluation(
    path: Path, annotations: Path, results: dict[str, Path], scored: dict[str, Evaluation], params: EvaluationParams
) -> None:
    """Write metrics, intervals and protocol as one JSON file."""
    protocol = _protocol(annotations, results, scored, params)
    write_json(path, {"metrics": _metrics(scored), "intervals": _intervals(scored), "protocol": protocol}, indent=True)


def _metrics(scored: dict[str, Evaluation]) -> dict[str, Any]:
    return {name: cell_values(found.values) for name, found in scored.items()}


def _intervals(scored: dict[str, Evaluation]) -> dict[str, Any]:
    level = {name: found.params.bootstrap.level for name, found in scored.items()}
    return {name: cell_intervals(*interval(found.samples, level[name])) for name, found in scored.items()}


def _counts(members: Membership, category: np.ndarray) -> np.ndarray:
    """Images and items that count in each cell, (26, 2) int64."""
    columns = np.arange(OVERALL + 1)[:, None]
    images = ((members.images >> columns) & 1).sum(axis=1)
    items = ((members.items >> columns) & 1).sum(axis=1)
    by_category = np.bincount(category[members.items > 0], minlength=NUM_CATEGORIES)
    subsets = np.stack([images, items], axis=1)
    categories = np.stack([np.full(NUM_CATEGORIES, images[OVERALL]), by_category], axis=1)
    return np.concatenate([subsets, categories])


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
        for threshold, index in ((0.5, 0), (0.75, 5)):
            precision = np.array([curves.precision[index, OVERALL, :, 0] for curves in found.curves])
            present = precision[precision[:, 0] > -1]
            if len(present):
                rows = zip(RECALLS.round(2).tolist(), present.mean(axis=0).tolist(), strict=True)
                writer.writerows((name, threshold, *row) for row in rows)
    return text.getvalue()
