"""Resamples of the images: matching is done once, a resample only reweights."""

from collections.abc import Iterator
from threading import Lock

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.coco.metrics import MEASURES, measure_categories
from matchrcnn.evaluation.coco.precision import Scored
from matchrcnn.parallel import CORES, in_threads
from matchrcnn.subsets import NUM_COLUMNS
from matchrcnn.taxonomy import NUM_CATEGORIES

BATCH = 128
"""Resamples that are walked through together: enough to be worth the walk, few enough for a core's cache."""


def resample(scored: Scored, num_images: int, params: BootstrapParams) -> np.ndarray:
    """Return measures of each category in each column in every resample of the images, (5, K, S, B) float64.

    -1 where a resample has no item of a category in a column; `metrics.cells` averages them. The same images, seed and
    number of resamples give the same resamples, so that two runs can be compared pairwise.
    """
    numbers = np.empty((len(MEASURES), NUM_CATEGORIES, NUM_COLUMNS, params.resamples))
    batches, drawing = draw_weights(num_images, params), Lock()

    def work() -> None:
        while True:
            with drawing:
                drawn = next(batches, None)
            if drawn is None:
                return
            first, weights = drawn
            numbers[..., first : first + weights.shape[1]] = measure_categories(scored, weights)

    in_threads(lambda _: work(), range(CORES))
    return numbers


def draw_weights(num_images: int, params: BootstrapParams) -> Iterator[tuple[int, np.ndarray]]:
    """Yield batches of resamples: the number of the first, and how often each image is drawn, (I, b) int16."""
    generator = np.random.default_rng(params.seed)
    for first in range(0, params.resamples, BATCH):
        weights = np.empty((num_images, min(BATCH, params.resamples - first)), np.int16)
        for column in range(weights.shape[1]):
            drawn = generator.integers(0, num_images, num_images)
            weights[:, column] = np.bincount(drawn, minlength=num_images)
        yield first, weights
