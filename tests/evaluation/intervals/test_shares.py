"""Intervals of shares and of their differences, by their published formulas and by simulation."""

import numpy as np
import pytest

from matchrcnn.evaluation.intervals.shares import effective_trials, paired_difference, wilson

Z = 1.959964


@pytest.mark.parametrize(("hits", "trials"), [(0, 3), (2, 2), (7, 10), (250, 1000)])
def test_ends_of_wilsons_interval_are_shares_that_a_test_just_accepts(hits: int, trials: int) -> None:
    share = np.array([hits / trials])
    for end in np.concatenate(wilson(share, np.array([trials]), 0.95)):
        if 0 < end < 1:
            assert abs(share[0] - end) == pytest.approx(Z * (end * (1 - end) / trials) ** 0.5, rel=1e-5)


def test_two_hits_of_two_queries_leave_much_open() -> None:
    low, high = wilson(np.ones(1), np.full(1, 2), 0.95)
    assert low[0] == pytest.approx(0.342, abs=5e-4)
    assert high[0] == 1


def test_without_queries_there_is_no_interval() -> None:
    trials = effective_trials(np.full(1, np.nan), np.full(1, np.nan), np.zeros(1), np.zeros(1))
    assert np.isnan(wilson(np.full(1, np.nan), trials, 0.95)).all()


def test_queries_that_succeed_together_count_as_their_images_do() -> None:
    images, twice = np.array([40]), np.array([80])
    variance = np.array([0.3 * 0.7 / 40]) * 39 / 40  # of 40 pairs whose halves are alike
    assert effective_trials(np.array([0.3]), variance, twice, images)[0] == pytest.approx(40)
    assert effective_trials(np.array([1.0]), np.zeros(1), twice, images)[0] == 40


def test_differences_follow_agresti_and_mins_table() -> None:
    """Half a pair is added to each outcome: 14 pairs, of which the second run alone hits 5 and the first alone 2."""
    first, second, pairs = 2 + 0.5, 5 + 0.5, 14 + 2
    middle = (second - first) / pairs
    margin = Z * (first + second - (second - first) ** 2 / pairs) ** 0.5 / pairs
    variance = ((5 + 2) / 14 - (3 / 14) ** 2) / 14
    low, high = paired_difference(np.array([3 / 14]), np.array([variance]), np.array([14]), 0.95)
    assert [low[0], high[0]] == pytest.approx([middle - margin, middle + margin], rel=1e-5)


def test_two_queries_cannot_tell_two_runs_apart() -> None:
    low, high = paired_difference(np.ones(1), np.zeros(1), np.full(1, 2), 0.95)
    assert low[0] <= 0 <= high[0]


def test_coverage_holds_for_few_images_where_percentiles_fail() -> None:
    rng = np.random.default_rng(0)
    images, expected = 10, 0.9
    queries = rng.integers(1, 3, (500, images))
    hits = rng.binomial(queries, rng.beta(5.4, 0.6, (500, images)))
    weights = rng.multinomial(images, np.full(images, 1 / images), 100).T
    samples = (hits @ weights) / (queries @ weights)
    share, total = hits.sum(axis=1) / queries.sum(axis=1), queries.sum(axis=1)
    trials = effective_trials(share, samples.var(axis=1, ddof=1), total, np.full(500, images))
    held = [
        np.mean((low <= expected) & (expected <= high))
        for low, high in (wilson(share, trials, 0.95), np.quantile(samples, [0.025, 0.975], axis=1))
    ]
    assert 0.93 <= held[0] <= 0.99
    assert held[1] < 0.85
