"""Confidence intervals by resampling images: matching is done once, a resample only reweights."""

from collections.abc import Iterator
from threading import Lock

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.coco.metrics import CELLS, MEASURES, measure
from matchrcnn.evaluation.coco.precision import Scored
from matchrcnn.parallel import CORES, in_threads

BATCH = 128
"""Resamples that are walked through together: enough to be worth the walk, few enough for a core's cache."""


def resample(scored: Scored, num_images: int, params: BootstrapParams) -> np.ndarray:
    """Measures of all cells in every resample of the images, (B, 26, 5) float64; NaN where a resample lacks a cell.

    The same images, seed and number of resamples give the same resamples, so that two runs can be compared pairwise.
    """
    samples = np.empty((params.resamples, len(CELLS), len(MEASURES)))
    batches, drawing = draw_weights(num_images, params), Lock()

    def work() -> None:
        while True:
            with drawing:
                drawn = next(batches, None)
            if drawn is None:
                return
            first, weights = drawn
            samples[first : first + weights.shape[1]] = measure(scored, weights)

    in_threads(lambda _: work(), range(CORES))
    return samples


def draw_weights(num_images: int, params: BootstrapParams) -> Iterator[tuple[int, np.ndarray]]:
    """A batch of resamples at a time: the number of its first, and how often each image is drawn, (I, b) int16."""
    generator = np.random.default_rng(params.seed)
    for first in range(0, params.resamples, BATCH):
        weights = np.empty((num_images, min(BATCH, params.resamples - first)), np.int16)
        for column in range(weights.shape[1]):
            drawn = generator.integers(0, num_images, num_images)
            weights[:, column] = np.bincount(drawn, minlength=num_images)
        yield first, weights


def interval(samples: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over the first axis; resamples without a value are left out, NaN where none has one."""
    tail = (1 - level) / 2
    ends = np.full((2, *samples.shape[1:]), np.nan)
    present = ~np.isnan(samples).all(axis=0)
    ends[:, present] = np.nanquantile(samples[:, present], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]
