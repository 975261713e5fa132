"""Intervals of shares of queries, and of differences of such shares, with images as clusters.

Queries of one image succeed and fail together, so that n queries tell as much as fewer independent ones: as many as
give the variance that the share has over resamples of the images. With that number, Wilson's interval of a share (E. B.
Wilson, JASA 1927) and the adjusted Wald interval of a difference of paired shares (A. Agresti and Y. Min, Statistics in
Medicine 2005, pages 729-740) hold for few queries and for shares of 0 and 1, where resamples do not vary.
"""

from statistics import NormalDist

import numpy as np


def wilson(share: np.ndarray, trials: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of Wilson's interval of shares of independent trials; NaN where there are none."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        widened = 1 + z**2 / trials
        middle = (share + z**2 / (2 * trials)) / widened
        margin = z / widened * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.clip(middle - margin, 0, 1), np.clip(middle + margin, 0, 1)


def effective_trials(share: np.ndarray, variance: np.ndarray, queries: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Independent trials that tell as much about a share as its queries, at most as many as these.

    Args:
        share: of the queries that succeed.
        variance: of the share over resamples of the images; NaN where it is unknown.
        queries: that count.
        images: that they are in. Their number stands for the trials where all or no query succeeds, as resamples do
            not vary then.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        corrected = variance * images / (images - 1)
        trials = share * (1 - share) / corrected
    return np.where(np.isfinite(trials), np.minimum(trials, queries), images)


def paired_difference(
    difference: np.ndarray, variance: np.ndarray, images: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of a difference of two shares of the same queries.

    Agresti and Min add half a pair to each of the four outcomes of a pair; in terms of the moments of n pairs, these
    are two pairs whose differences are 1 and -1 for half of them.

    Args:
        difference: of the shares.
        variance: of it over resamples of the images; NaN where it is unknown.
        images: that the queries are in.
        level: share of samples whose interval holds the expected difference.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    total = images + 2
    squares = images * (images * np.nan_to_num(variance) + difference**2) + 1
    middle = images * difference / total
    margin = z * np.sqrt(squares - total * middle**2) / total
    return np.clip(middle - margin, -1, 1), np.clip(middle + margin, -1, 1)
