"""Schedules are the paper's, for any data size and minibatch."""

import pytest

from matchrcnn.config import Params, TrainingParams, load_params
from matchrcnn.training.schedule import build_schedule

RELEASED, FULL = 191_961, 390_884
"""Training images: the released half, and what the paper speaks of."""


@pytest.fixture(scope="module")
def paper(request: pytest.FixtureRequest) -> Params:
    return load_params(request.config.rootpath / "pipelines" / "paper.yaml")


@pytest.mark.parametrize(
    ("name", "images", "minibatch", "iterations", "drops"),
    [
        ("1x", RELEASED, 16, 143_971, (95_981, 131_974)),
        ("2x", RELEASED, 16, 287_942, (191_961, 263_947)),
        ("s1x", RELEASED, 16, 207_958, (159_968, 191_961)),
        ("1x", RELEASED, 2, 1_151_766, (767_844, 1_055_786)),
        ("2x", FULL, 16, 586_326, (390_884, 537_466)),
        ("1x", 16, 16, 12, (8, 11)),
    ],
)
def test_iterations_and_change_points(
    paper: Params, name: str, images: int, minibatch: int, iterations: int, drops: tuple[int, ...]
) -> None:
    training = paper.training.model_copy(update={"minibatch": minibatch})
    schedule = build_schedule(name, training, images)
    assert (schedule.iterations, schedule.drops) == (iterations, drops)


@pytest.mark.parametrize("images", [1_000, RELEASED, FULL])
@pytest.mark.parametrize("minibatch", [1, 2, 16, 64])
def test_s1x_keeps_detectrons_proportions(paper: Params, images: int, minibatch: int) -> None:
    training = paper.training.model_copy(update={"minibatch": minibatch})
    stretched, plain = (build_schedule(name, training, images) for name in ("s1x", "1x"))
    assert stretched.iterations == pytest.approx(130 / 90 * plain.iterations, abs=2)
    assert stretched.drops == pytest.approx([stretched.iterations * share / 130 for share in (100, 120)], abs=1)


def test_the_rate_scales_with_the_minibatch(paper: Params) -> None:
    rates = [paper.training.model_copy(update={"minibatch": size}).lr for size in (16, 2, 32)]
    assert rates == pytest.approx([0.02, 0.0025, 0.04])


def test_step_decay_after_warm_up(paper: Params) -> None:
    schedule = build_schedule("1x", paper.training, RELEASED)
    assert schedule.lr_at(0) == pytest.approx(0.02 / 3)
    assert schedule.lr_at(250) == pytest.approx(0.02 * 2 / 3)
    assert schedule.lr_at(500) == schedule.lr_at(95_980) == pytest.approx(0.02)
    assert schedule.lr_at(95_981) == pytest.approx(0.002)
    assert schedule.lr_at(143_970) == pytest.approx(0.0002)


def test_cosine_decay_falls_to_nothing(paper: Params) -> None:
    training: TrainingParams = paper.training.model_copy(update={"decay": "cosine", "warmup_iterations": 0})
    schedule = build_schedule("1x", training, 1600)
    rates = [schedule.lr_at(iteration) for iteration in range(schedule.iterations)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.02
    assert rates[-1] < 1e-6
