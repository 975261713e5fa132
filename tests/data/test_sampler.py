"""Minibatches are a function of seed and iteration."""

from itertools import islice

import pytest

from matchrcnn.data.sampler import Draw, EpochSampler


def batches(sampler: EpochSampler, count: int) -> list[list[Draw]]:
    return list(islice(sampler, count))


@pytest.mark.parametrize(("size", "minibatch"), [(10, 2), (10, 3), (7, 16), (1, 4)])
def test_every_image_once_an_epoch(size: int, minibatch: int) -> None:
    epochs = 3 * minibatch
    places = [draw.place for batch in batches(EpochSampler(size, minibatch, seed=1), 3 * size) for draw in batch]
    for epoch in range(epochs):
        assert sorted(places[epoch * size : (epoch + 1) * size]) == list(range(size))


@pytest.mark.parametrize("start", [1, 4, 13])
def test_any_iteration_can_be_had_without_those_before_it(start: int) -> None:
    whole = batches(EpochSampler(10, 3, seed=5), start + 5)
    assert batches(EpochSampler(10, 3, seed=5, start=start), 5) == whole[start:]


def test_seeds_differ_between_draws_and_samplers() -> None:
    first = [draw.seed for batch in batches(EpochSampler(10, 5, seed=1), 40) for draw in batch]
    second = [draw.seed for batch in batches(EpochSampler(10, 5, seed=2), 40) for draw in batch]
    assert len(set(first + second)) == 400
