"""Quantiles of Student's t distribution for any degrees of freedom."""

from math import lgamma, pi, sqrt
from statistics import NormalDist

import numpy as np

_MOST = 1e6  # least degrees of freedom that are taken as infinite: the normal distribution
_FEW = 30.0  # degrees of freedom beyond which no quantile that is asked for exceeds 10
_STEPS = 60
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(48)


def t_quantile(share: float, freedom: np.ndarray) -> np.ndarray:
    """Value that a t-distributed number does not exceed with probability `share`.

    Args:
        share: 0.5 to 1, ends excluded.
        freedom: degrees of freedom, at least 1, any shape, float64; NaN gives NaN.
    """
    values, place = np.unique(freedom, return_inverse=True)
    return np.array([_quantile(share, float(value)) for value in values])[place].reshape(freedom.shape)


def _quantile(share: float, freedom: float) -> float:
    if np.isnan(freedom):
        return np.nan
    if freedom >= _MOST:
        return NormalDist().inv_cdf(share)
    # with t = sqrt(freedom) tan(angle) the density is proportional to cos(angle) ** (freedom - 1)
    scale = np.exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(pi)
    low, high = 0.0, min(pi / 2, 10 / sqrt(freedom)) if freedom > _FEW else pi / 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        angles = middle * (_NODES + 1) / 2
        below = 0.5 + scale * middle / 2 * float(_NODE_WEIGHTS @ np.cos(angles) ** (freedom - 1))
        low, high = (middle, high) if below < share else (low, middle)
    return sqrt(freedom) * np.tan(low)
