"""Two processes learn what one does."""

from collections.abc import Callable

import numpy as np
import pytest

from matchrcnn.config import HardwareParams, Params, RetrievalParams, RunConfig
from matchrcnn.data.sampler import Draw
from matchrcnn.data.shares import Shares, check_shares
from matchrcnn.errors import UserError
from matchrcnn.training.distributed import launch
from tests.support.two_processes import Runs, trained

MakeRun = Callable[..., RunConfig]
ITERATIONS = {"detection": 20, "retrieval": 20, "accumulated": 6}
"""Of each training. Retrieval has every stream's loss; accumulated are landmarks, in two micro-batches."""


def small(run: RunConfig, **changes: object) -> RunConfig:
    sizes = {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 16, "landmark_convs": 1, "landmark_channels": 8}
    return run.model_copy(update={"model": run.model.model_copy(update=sizes), **changes})


def all_runs(tiny_run: MakeRun) -> Runs:
    # plain SGD at a low rate: AdamW divides by the gradient's size, and so makes a whole step of a rounding error; and
    # sooner or later rounding turns the order of two proposals, from where on the two trainings part
    training = {"optimizer": "sgd", "base_lr": 0.001, "log_every": 1, "epochs_1x": 20 / 6, "checkpoint_every": 50}
    retrieval = RetrievalParams(variant="pose+class", widths=(4, 4, 4, 8), embedding=16)
    return {
        "detection": small(tiny_run("detection", **training)),
        # the pair loss grows rounding the faster the more it learns
        "retrieval": small(tiny_run("retrieval", **training | {"base_lr": 2e-4}), retrieval=retrieval),
        "accumulated": small(tiny_run("landmarks", **training | {"epochs_1x": 1, "accumulate": 2})),
    }


Trained = dict[str, tuple[dict, dict]]


@pytest.fixture(scope="module")
def train_both(
    tiny_run: MakeRun, tiny_splits: dict, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bool], tuple[Trained, Trained]]:
    def train(double: bool) -> tuple[Trained, Trained]:
        folder, runs = tmp_path_factory.mktemp("distributed"), all_runs(tiny_run)
        one, two = (trained(runs, tiny_splits, folder / str(number), number, double) for number in (1, 2))
        return one, two

    return train


@pytest.fixture(scope="module")
def in_float64(train_both: Callable) -> tuple[Trained, Trained]:
    return train_both(True)


@pytest.fixture(scope="module")
def in_float32(train_both: Callable) -> tuple[Trained, Trained]:
    return train_both(False)


def assert_close(found: dict, expected: dict, relative: float, absolute: float) -> None:
    assert found.keys() == expected.keys()
    for part, tensor in expected.items():
        within = relative * np.abs(tensor).max() + absolute
        np.testing.assert_allclose(found[part], tensor, rtol=0, atol=within, err_msg=part)


@pytest.mark.slow
@pytest.mark.parametrize("name", ITERATIONS)
def test_two_processes_learn_what_one_does(in_float64: tuple[Trained, Trained], name: str) -> None:
    """All losses of all iterations, within float32 rounding, and weights to ten digits.

    Trained in float64, as rounding that grows and turns the order of two proposals is no fault of the method; some
    losses are computed in float32 all the same, and so are the boxes.
    """
    (one, weights), (two, others) = in_float64[0][name], in_float64[1][name]
    assert len(one) == len(two) == ITERATIONS[name]
    for iteration in one:
        assert two[iteration] == pytest.approx(one[iteration], rel=1e-6, abs=1e-12), iteration
    assert next(iter(weights.values())).dtype == np.float64
    assert_close(others, weights, 1e-10, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ITERATIONS)
def test_in_float32_they_part_only_by_rounding(in_float32: tuple[Trained, Trained], name: str) -> None:
    """As one trains in earnest. Rounding may turn the order of two proposals, and then another RoI is learned from."""
    (one, weights), (two, others) = in_float32[0][name], in_float32[1][name]
    assert len(one) == len(two) == ITERATIONS[name]
    for iteration in one:
        assert two[iteration] == pytest.approx(one[iteration], rel=0.02, abs=1e-6), iteration
    together = [iteration for iteration in one if two[iteration] == pytest.approx(one[iteration], rel=2e-5, abs=1e-6)]
    assert together[:5] == [1, 2, 3, 4, 5]
    assert_close(others, weights, 1e-3, 1e-6)


def test_processes_share_every_micro_batch_and_pairs_stay_together() -> None:
    batch = [Draw(place, 0) for place in range(8)]
    first, second = (next(iter(Shares([batch], place, processes=2, accumulate=2))) for place in (0, 1))
    assert [draw.place for draw in first] == [0, 1, 4, 5]
    assert [draw.place for draw in second] == [2, 3, 6, 7]


@pytest.mark.parametrize("numbers", [(16, 3, 1, 1), (16, 2, 16, 1), (16, 16, 1, 2)])
def test_a_minibatch_that_cannot_be_shared_is_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(UserError, match=r"training\.minibatch: 16 .*hardware\.processes.*multiple of"):
        check_shares(*numbers)


def test_machines_need_an_address_and_a_number(monkeypatch: pytest.MonkeyPatch, sample_preset: Params) -> None:
    values = sample_preset.model_dump()
    values["hardware"] |= {"machines": 2}
    with pytest.raises(ValueError, match=r"machines: 2 need address"):
        Params.model_validate(values)
    for number in ("", "2", "first"):
        monkeypatch.setenv("MACHINE_RANK", number)
        with pytest.raises(UserError, match=r"MACHINE_RANK: .*from 0.* to 1"):
            launch(print, HardwareParams(device="cpu", machines=2, address="127.0.0.1:29555"))
