"""A run's detections in some images, judged by the evaluation's own kinds of error.

Axis letters: I images of the split, C of them judged, G ground-truth items, D ranked detections in the judged images.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matchrcnn.evaluation.coco.ranking import Ranking, group_by_image, of_images, rank
from matchrcnn.evaluation.errors.kinds import KINDS, MISSED, Errors, Kind, find_errors, missed
from matchrcnn.evaluation.errors.overlaps import OVERLAPS
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import Results
from matchrcnn.tasks import Stream

NO_THRESHOLD = 0.5
"""Least score of a shown detection where there are no detections to choose it by."""


@dataclass(frozen=True, eq=False)
class JudgedImage:
    """One image with the detections that are shown in it.

    Attributes:
        image: its index in `GroundTruth.image_ids`.
        items: its ground truths in the order of their file, (n,) int64.
        detections: shown ones, the best score first, as indices in the results, (m,) int64.
        quality: sum of the matches' overlaps over the number of items, true and predicted, a match counted once: 0..1.
        errors: kinds of error in it by their keys in diagnosis.json, in the order of `KINDS`.
    """

    image: int
    items: np.ndarray
    detections: np.ndarray
    quality: float
    errors: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """The detections of one stream in some images, judged.

    Attributes:
        truth: the split.
        results: all detections of the run.
        ranking: those in the judged images.
        errors: what became of these, and of all items.
        images: indices of the judged images, ascending, (C,) int64.
    """

    truth: GroundTruth
    results: Results
    ranking: Ranking
    errors: Errors
    images: np.ndarray

    @cached_property
    def score(self) -> np.ndarray:
        """Of each detection, (D,) float64."""
        return self.results.score[self.ranking.detection]

    @cached_property
    def threshold(self) -> float:
        """Least score of a shown detection: the one of highest F1 over the judged images."""
        if not len(self.score):
            return NO_THRESHOLD
        right = self.errors.kind == Kind.RIGHT
        order = np.lexsort((~right, -self.score))
        items = np.isin(self.truth.image, self.images).sum()
        f1 = 2 * right[order].cumsum() / (np.arange(1, len(order) + 1) + items)
        return float(self.score[order][f1.argmax()])

    def each(self) -> Iterator[JudgedImage]:
        """Each judged image, in the order of `images`."""
        shown = np.flatnonzero(self.score >= self.threshold)
        shown = shown[np.lexsort((-self.score[shown], self.ranking.image[shown]))]
        quality, errors = self._quality(shown), self._errors()
        items = _by_image(np.arange(len(self.truth)), self.truth.image, self.images)
        detections = _by_image(self.ranking.detection[shown], self.ranking.image[shown], self.images)
        for place, image in enumerate(self.images.tolist()):
            names = tuple(kind for kind in KINDS if errors[kind][image])
            yield JudgedImage(image, items[place], detections[place], float(quality[image]), names)

    def _quality(self, shown: np.ndarray) -> np.ndarray:
        """Quality of all images, (I,) float64; 1 where there is nothing, true or predicted."""
        right = shown[self.errors.kind[shown] == Kind.RIGHT]
        image, count = self.ranking.image, self.truth.num_images
        overlap = np.bincount(image[right], self.errors.overlap[right], count)
        things = np.bincount(self.truth.image, minlength=count) + np.bincount(image[shown], minlength=count)
        things -= np.bincount(image[right], minlength=count)
        return np.divide(overlap, things, out=np.ones(count), where=things > 0)

    def _errors(self) -> dict[str, np.ndarray]:
        """Kind of error -> which images have one that is shown, (I,) bool."""
        counted = self.score >= self.threshold
        lost = self.truth.image[missed(self.errors, counted)]
        found = {kind.name.lower(): self.ranking.image[counted & (self.errors.kind == kind)] for kind in Kind}
        return {name: np.bincount(image, minlength=self.truth.num_images) > 0 for name, image in found.items()} | {
            MISSED: np.bincount(lost, minlength=self.truth.num_images) > 0
        }


def judge(truth: GroundTruth, results: Results, stream: Stream, images: np.ndarray) -> Judged:
    """Judge the detections in some images as the diagnosis of the run does.

    Args:
        truth: the split.
        results: of the stream, on this split.
        stream: boxes, masks or landmarks; overlap is IoU, or of landmarks what `errors.overlaps` says.
        images: indices in `GroundTruth.image_ids`, ascending, (C,) int64.
    """
    chosen = np.zeros(truth.num_images, bool)
    chosen[images] = True
    ranking = of_images(rank(results, truth.num_images, stream.scores[0].limit), chosen)
    groups = group_by_image(truth, ranking)
    pairs = OVERLAPS[stream](truth, results, ranking, groups)
    return Judged(truth, results, ranking, find_errors(groups, pairs, ranking.category, truth.category), images)


def _by_image(values: np.ndarray, image: np.ndarray, images: np.ndarray) -> list[np.ndarray]:
    """The values of each wanted image, in their order."""
    order = np.argsort(image, kind="stable")
    first, last = np.searchsorted(image[order], images), np.searchsorted(image[order], images, side="right")
    return [values[order[a:b]] for a, b in zip(first, last, strict=True)]
