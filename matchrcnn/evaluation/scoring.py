"""From files to numbers: one reading, one similarity, one matching for every column of the tables."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from matchrcnn.config import EvaluationParams
from matchrcnn.evaluation.coco.matching import match
from matchrcnn.evaluation.coco.metrics import average, cells
from matchrcnn.evaluation.coco.precision import Curves, Scored, count_items
from matchrcnn.evaluation.coco.ranking import Groups, Ranking, group, rank
from matchrcnn.evaluation.coco.similarity import box_iou, landmark_oks, mask_iou
from matchrcnn.evaluation.intervals.bootstrap import resample
from matchrcnn.evaluation.intervals.paired import Resampled
from matchrcnn.evaluation.intervals.spread import interval, spread
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Payload, Results, read_results
from matchrcnn.evaluation.threads import in_threads
from matchrcnn.subsets import OVERALL, Membership, membership
from matchrcnn.taxonomy import NUM_CATEGORIES

Similarity = Callable[[GroundTruth, Results, Ranking, Groups], np.ndarray]


@dataclass(frozen=True)
class Stream:
    """A kind of result and how it is scored.

    Attributes:
        limit: detections that count per image and category.
        similarity: how well a detection fits a ground truth.
        least_visibility: landmarks that count: 2 for visible ones, 1 for occluded ones too, 0 where none are needed.
    """

    limit: int
    similarity: Similarity
    least_visibility: int = 0


STREAMS = {
    "box": Stream(100, box_iou),
    "mask": Stream(100, mask_iou),
    "landmarks_visible": Stream(20, partial(landmark_oks, 2), 2),
    "landmarks_visible_and_occluded": Stream(20, partial(landmark_oks, 1), 1),
}
"""Streams by their name in metrics.json."""

PAYLOADS: dict[str, Payload] = {"box": "bbox", "mask": "segmentation", "landmarks": "keypoints"}
"""Kinds of result file, and the field that each one's entries hold."""

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
        categories: measures of each category in each column in every resample, (5, 13, 13, B) float64, -1 where a
            resample has no item.
        items: of each category in each column, (13, 13) int64.
        counts: images and items that count in each cell, (26, 2) int64.
    """

    params: EvaluationParams
    split: str
    scored: Scored
    curves: list[Curves]
    values: np.ndarray
    samples: np.ndarray
    categories: np.ndarray
    items: np.ndarray
    counts: np.ndarray

    @cached_property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Low and high end of each number's interval, (26, 5) float64 each; NaN where there is none."""
        numbers = np.where(self.categories < 0, np.nan, self.categories)
        return interval(self.values, spread(self.samples, numbers, self.items), self.params.bootstrap.level)

    @property
    def resampled(self) -> Resampled:
        """What a comparison with another run needs."""
        rule, bootstrap = self.params.subset_rule, self.params.bootstrap
        protocol = f"{self.split}, {rule}, {bootstrap.resamples} resamples, seed {bootstrap.seed}"
        return Resampled(self.values, self.samples, protocol, self.items, self.categories.astype(np.float32))


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
    curves = in_threads(lambda k: Curves.empty(1).fill(scored, k, once), range(NUM_CATEGORIES))
    categories = resample(scored, truth.num_images, params.bootstrap)
    return Evaluation(
        params,
        truth.digest,
        scored,
        curves,
        average(curves)[0],
        cells(categories),
        categories,
        count_items(scored),
        _counts(members, truth.category),
    )


def evaluate_file(annotations: Path, results: Path, kind: str, params: EvaluationParams) -> dict[str, Evaluation]:
    """Score one result file ("box", "mask" or "landmarks"): the evaluation of each of its streams."""
    truth = read_ground_truth(annotations)
    return evaluate_kind(truth, read_results(results, truth, PAYLOADS[kind]), kind, params)


def evaluate_kind(truth: GroundTruth, results: Results, kind: str, params: EvaluationParams) -> dict[str, Evaluation]:
    """Score results that were read for every stream of their kind."""
    return {name: evaluate(truth, results, STREAMS[name], params) for name in STREAMS_OF_FILE[kind]}


def _counts(members: Membership, category: np.ndarray) -> np.ndarray:
    """Images and items that count in each cell, (26, 2) int64."""
    columns = np.arange(OVERALL + 1)[:, None]
    images = ((members.images >> columns) & 1).sum(axis=1)
    items = ((members.items >> columns) & 1).sum(axis=1)
    by_category = np.bincount(category[members.items > 0], minlength=NUM_CATEGORIES)
    subsets = np.stack([images, items], axis=1)
    categories = np.stack([np.full(NUM_CATEGORIES, images[OVERALL]), by_category], axis=1)
    return np.concatenate([subsets, categories])
