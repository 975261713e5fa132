"""Two processes learn what one does."""

from collections.abc import Callable

import numpy as np
import pytest

from matchrcnn.config import HardwareParams, Params, RetrievalParams, RunConfig
from matchrcnn.data.sampler import Draw
from matchrcnn.data.shares import Shares, check_shares
from matchrcnn.engine.distributed import launch
from matchrcnn.errors import UserError
from tests.engine.two_processes import Runs, trained

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


@pytest.fixture(scope="module")
def both(tiny_run: MakeRun, tiny_splits: dict, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    folder, runs = tmp_path_factory.mktemp("distributed"), all_runs(tiny_run)
    return trained(runs, tiny_splits, folder / "one", 1), trained(runs, tiny_splits, folder / "two", 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ITERATIONS)
def test_two_processes_learn_what_one_does(both: tuple[dict, dict], name: str) -> None:
    (one, weights), (two, others) = both[0][name], both[1][name]
    assert len(one) == len(two) == ITERATIONS[name]
    # Rounding may turn the order of two proposals, and then another RoI is learned from: from there on losses are a
    # little apart. A mean over the wrong count, a draw or a norm that differs would part all of them from the start.
    for iteration in one:
        assert two[iteration] == pytest.approx(one[iteration], rel=0.02, abs=1e-6), iteration
    together = [iteration for iteration in one if two[iteration] == pytest.approx(one[iteration], rel=2e-5, abs=1e-6)]
    assert together[:5] == [1, 2, 3, 4, 5]
    assert len(together) >= len(one) * 0.4
    assert weights.keys() == others.keys()
    for part, tensor in weights.items():
        scale = np.abs(tensor).max()
        np.testing.assert_allclose(others[part], tensor, rtol=0, atol=1e-3 * scale + 1e-6, err_msg=part)


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
