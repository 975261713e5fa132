"""Confidence intervals by resampling images: matching is done once, a resample only reweights."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.metrics import measure
from matchrcnn.evaluation.precision import Counted, curves


def resample(data: Counted, num_images: int, params: BootstrapParams) -> np.ndarray:
    """Measures of all cells in every resample of the images, (B, 26, 5) float64; NaN where a resample lacks a cell.

    The same images, seed and number of resamples give the same resamples, so that two runs can be compared pairwise.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        samples = pool.map(lambda weights: measure(curves(data, weights)), _weights(num_images, params))
        return np.array(list(samples))


def _weights(num_images: int, params: BootstrapParams) -> Iterator[np.ndarray]:
    """How often each image is drawn, (I,) int32, resample by resample."""
    generator = np.random.default_rng(params.seed)
    for _ in range(params.resamples):
        drawn = generator.integers(0, num_images, num_images)
        yield np.bincount(drawn, minlength=num_images).astype(np.int32)


def interval(samples: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over the first axis; resamples without a value are left out."""
    tail = (1 - level) / 2
    low, high = np.nanquantile(samples, [tail, 1 - tail], axis=0)
    return low, high
