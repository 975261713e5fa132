"""Confidence intervals by resampling images: matching is done once, a resample only reweights."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.metrics import CELLS, MEASURES, measure
from matchrcnn.evaluation.precision import Scored

BATCH = 32
"""Resamples that are walked through together."""


def resample(scored: Scored, num_images: int, params: BootstrapParams) -> np.ndarray:
    """Measures of all cells in every resample of the images, (B, 26, 5) float64; NaN where a resample lacks a cell.

    The same images, seed and number of resamples give the same resamples, so that two runs can be compared pairwise.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        batches = pool.map(lambda weights: measure(scored, weights), _weights(num_images, params))
        return np.concatenate([np.empty((0, len(CELLS), len(MEASURES))), *batches])


def _weights(num_images: int, params: BootstrapParams) -> Iterator[np.ndarray]:
    """How often each image is drawn, (I, b) int16, a batch of resamples at a time."""
    generator = np.random.default_rng(params.seed)
    for first in range(0, params.resamples, BATCH):
        size = min(BATCH, params.resamples - first)
        drawn = [generator.integers(0, num_images, num_images) for _ in range(size)]
        yield np.stack([np.bincount(row, minlength=num_images) for row in drawn], axis=1).astype(np.int16)


def interval(samples: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over the first axis; resamples without a value are left out, NaN where none has one."""
    tail = (1 - level) / 2
    ends = np.full((2, *samples.shape[1:]), np.nan)
    present = ~np.isnan(samples).all(axis=0)
    ends[:, present] = np.nanquantile(samples[:, present], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]
