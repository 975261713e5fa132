"""Intervals of precision hold the expected number of another sample, where percentiles of resamples do not."""

import numpy as np
import pytest

from benchmarks.synthetic.sample import SHARES, draw_scored
from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.coco.metrics import cells, measure
from matchrcnn.evaluation.coco.precision import count_items
from matchrcnn.evaluation.intervals.bootstrap import resample
from matchrcnn.evaluation.intervals.spread import PRIOR, Spread, interval, margins, spread, variance
from matchrcnn.evaluation.intervals.student import t_quantile

CELLS, COLUMNS, CATEGORIES = 26, 13, 13


def even_spread(items: int, each: float) -> Spread:
    """All categories have as many items and vary alike; none shares anything with another."""
    categories = np.full((1, CATEGORIES, COLUMNS), each)
    columns = np.full((COLUMNS, 1), each / CATEGORIES)
    return Spread(
        np.concatenate([columns, np.full((CATEGORIES, 1), each)]), categories, np.full((CATEGORIES, COLUMNS), items)
    )


def test_many_items_leave_the_spread_of_the_resamples() -> None:
    found = margins(even_spread(10_000, 0.01), 0.95)
    assert found[0, 0] == pytest.approx(1.96 * (0.01 / 13) ** 0.5, rel=1e-3)
    assert found[20, 0] == pytest.approx(1.96 * 0.1, rel=1e-3)


def test_few_items_take_students_quantile() -> None:
    items, each = 4, 0.04
    found = margins(even_spread(items, each), 0.95)
    freedom = items - 1 + PRIOR
    quantiles = t_quantile(0.975, np.array([freedom, 13 * freedom]))
    assert found[20, 0] == pytest.approx(quantiles[0] * each**0.5)
    assert found[0, 0] == pytest.approx(quantiles[1] * (each / 13) ** 0.5)


def test_a_single_item_takes_the_other_categories_variance_per_item() -> None:
    base = even_spread(100, 0.01)
    base.items[3], base.categories[:, 3] = 1, 0.0
    base.cells[COLUMNS + 3] = 0.0
    per_item = 100 * 0.01
    found = margins(base, 0.95)
    assert found[COLUMNS + 3, 0] == pytest.approx(t_quantile(0.975, np.array([PRIOR]))[0] * per_item**0.5)


def test_the_variance_is_numpys_of_what_is_there() -> None:
    samples = np.random.default_rng(0).random((50, 7))
    samples[::3, 2], samples[1:, 5] = np.nan, np.nan
    found = variance(samples, 0)
    np.testing.assert_allclose(found[:5], np.nanvar(samples[:, :5], axis=0, ddof=1))
    assert np.isnan(found[5])


def test_a_cell_that_no_two_resamples_have_has_no_interval_and_others_stay_in_range() -> None:
    base = even_spread(3, 0.5)
    base.cells[7] = np.nan
    low, high = interval(np.full((CELLS, 1), 0.9), base, 0.95)
    assert np.isnan(low[7]).all()
    assert np.isnan(high[7]).all()
    assert (low[:7] >= 0).all()
    assert (high[:7] <= 1).all()


TABLE = {1: 12.7062, 4: 2.77645, 10: 2.22814, 30: 2.04227, 1e7: 1.95996}


@pytest.mark.parametrize("freedom", TABLE)
def test_quantiles_are_those_of_the_printed_tables(freedom: float) -> None:
    assert t_quantile(0.975, np.array([freedom]))[0] == pytest.approx(TABLE[freedom], abs=6e-5)


def test_single_items_are_covered_where_percentiles_fail() -> None:
    """A category's number is the mean of its items' outcomes; ten categories have one item, three have four."""
    rng = np.random.default_rng(0)
    items = np.array([1] * 10 + [4] * 3)
    owner = np.repeat(np.arange(CATEGORIES), items)
    owned = owner[:, None] == np.arange(CATEGORIES)
    weights = rng.multinomial(len(owner), np.full(len(owner), 1 / len(owner)), 100)
    counts, in_columns = weights @ owned, np.repeat(items[:, None], COLUMNS, axis=1)
    held = []
    for outcomes in rng.random((300, len(owner))):
        numbers = np.where(counts > 0, (weights * outcomes) @ owned / np.maximum(counts, 1), -1.0)
        everywhere = np.repeat(numbers.T[None, :, None], COLUMNS, axis=2)
        samples, value = cells(everywhere), np.mean(outcomes @ owned / items)
        found = spread(samples, np.where(everywhere < 0, np.nan, everywhere), in_columns)
        low, high = interval(np.full((CELLS, 1), value), found, 0.95)
        percentiles = np.quantile(samples[:, 0, 0], [0.025, 0.975])
        held.append([low[0, 0] <= 0.5 <= high[0, 0], percentiles[0] <= 0.5 <= percentiles[1]])
    moderated, percentile = np.mean(held, axis=0)
    assert 0.92 <= moderated <= 0.985
    assert percentile < 0.9


@pytest.mark.slow
def test_small_samples_of_images_are_covered_where_percentiles_fail() -> None:
    """60 samples of 60 images: 13 categories, most of them with one to three items in a subset."""
    values, own, percentiles = [], [], []
    for seed in range(60):
        scored = draw_scored(60, "box", SHARES["uniform"], seed)
        numbers = resample(scored, 60, BootstrapParams(resamples=60, seed=seed))[:1]
        samples = cells(numbers)
        values.append(measure(scored, np.ones((60, 1), np.int16))[0, :, :1])
        found = spread(samples, np.where(numbers < 0, np.nan, numbers), count_items(scored))
        own.append(np.stack(interval(values[-1], found, 0.95)))
        percentiles.append(np.quantile(samples, [0.025, 0.975], axis=0))
    expected = np.mean(values, axis=0)[:COLUMNS]
    moderated, percentile = (
        np.mean([(low[:COLUMNS] <= expected) & (expected <= high[:COLUMNS]) for low, high in ends])
        for ends in (own, percentiles)
    )
    assert 0.93 <= moderated <= 0.985
    assert percentile < 0.9
