"""From files to numbers: one reading, one similarity, one matching for every column of the tables."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from matchrcnn.config import EvaluationParams
from matchrcnn.evaluation.coco.matching import match
from matchrcnn.evaluation.coco.metrics import average, cells
from matchrcnn.evaluation.coco.precision import Curves, Scored, count_items
from matchrcnn.evaluation.coco.ranking import group, rank
from matchrcnn.evaluation.coco.similarity import SIMILARITIES
from matchrcnn.evaluation.intervals.bootstrap import resample
from matchrcnn.evaluation.intervals.paired import Resampled
from matchrcnn.evaluation.intervals.spread import interval, spread
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Results, read_results
from matchrcnn.parallel import in_threads
from matchrcnn.subsets import OVERALL, Membership, membership
from matchrcnn.tasks import Score, Stream
from matchrcnn.taxonomy import NUM_CATEGORIES


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scored results.

    Attributes:
        score: what they were scored as.
        params: how they were scored.
        split: digest of the ground truth.
        scored: what precision depends on, after matching.
        curves: precision and recall of each category, all images counted once.
        values: measures of all cells, (26, 5) float64.
        samples: the same of every resample, (B, 26, 5) float64.
        categories: measures of each category in each column in every resample, (5, 13, 13, B) float64, -1 where a
            resample has no item.
        items: of each category in each column, (13, 13) int64.
        counts: images and items that count in each cell, (26, 2) int64.
    """

    score: Score
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
        """Numbers and resamples, for a comparison with another run."""
        rule, bootstrap = self.params.subset_rule, self.params.bootstrap
        protocol = f"{self.split}, {rule}, {bootstrap.resamples} resamples, seed {bootstrap.seed}"
        return Resampled(self.values, self.samples, protocol, self.items, self.categories.astype(np.float32))


def evaluate(truth: GroundTruth, results: Results, score: Score, params: EvaluationParams) -> Evaluation:
    """Score results that were read as one set of numbers of metrics.json."""
    columns = truth.columns
    if score.least_visibility:
        labelled = (truth.landmarks[:, :, 2] >= score.least_visibility).any(axis=1)
        columns = np.where(labelled, columns, np.uint16(0))
    members = membership(params.subset_rule, columns, truth.image, truth.num_images)
    ranking = rank(results, truth.num_images, score.limit)
    groups = group(truth, ranking)
    pairs = SIMILARITIES[score](truth, results, ranking, groups)
    matches = match(groups, pairs, members.items, truth.crowd, len(ranking.image))
    scored = Scored(ranking, matches, members, truth.image, truth.category)
    once = np.ones((truth.num_images, 1), np.int16)
    curves = in_threads(lambda k: Curves.empty(1).fill(scored, k, once), range(NUM_CATEGORIES))
    categories = resample(scored, truth.num_images, params.bootstrap)
    return Evaluation(
        score,
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


def evaluate_file(annotations: Path, results: Path, stream: Stream, params: EvaluationParams) -> dict[str, Evaluation]:
    """Score one result file of boxes, masks or landmarks: key of each of the stream's scores -> its evaluation.

    Raises:
        UserError: a file is missing or wrong.
    """
    truth = read_ground_truth(annotations)
    return evaluate_stream(truth, read_results(results, truth, stream), stream, params)


def evaluate_stream(
    truth: GroundTruth, results: Results, stream: Stream, params: EvaluationParams
) -> dict[str, Evaluation]:
    """Score results that were read for every score of their stream, by its key."""
    return {score.key: evaluate(truth, results, score, params) for score in stream.scores}


def _counts(members: Membership, category: np.ndarray) -> np.ndarray:
    """Images and items that count in each cell, (26, 2) int64."""
    columns = np.arange(OVERALL + 1)[:, None]
    images = ((members.images >> columns) & 1).sum(axis=1)
    items = ((members.items >> columns) & 1).sum(axis=1)
    by_category = np.bincount(category[members.items > 0], minlength=NUM_CATEGORIES)
    subsets = np.stack([images, items], axis=1)
    categories = np.stack([np.full(NUM_CATEGORIES, images[OVERALL]), by_category], axis=1)
    return np.concatenate([subsets, categories])
