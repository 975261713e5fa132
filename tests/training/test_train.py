"""A training resumes to the same bytes, whatever interrupts it and however many workers load its data."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.data.split import Split
from matchrcnn.errors import UserError
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.setup import set_up
from matchrcnn.training.train import InterruptedTrainingError, TrainedModel, train

CPU = HardwareParams(device="cpu", loader_workers=0)
MakeRun = Callable[..., RunConfig]


def trained(
    run: RunConfig, splits: dict, folder: Path, hardware: HardwareParams = CPU, tell: tuple = ()
) -> TrainedModel:
    checkpoints = Checkpoints(folder, {})
    result = train(set_up(run, splits["train"], splits["validation"]), hardware, checkpoints, tell)
    checkpoints.clear()
    return result


def assert_same(one: TrainedModel, other: TrainedModel) -> None:
    weights, others = one.model.state_dict(), other.model.state_dict()
    assert weights.keys() == others.keys()
    assert [name for name in weights if not torch.equal(weights[name], others[name])] == []
    assert one.curves.rows == other.curves.rows


class StopAt:
    """Told of an iteration, it sends this process a signal when an iteration is reached."""

    def __init__(self, iteration: int, number: signal.Signals) -> None:
        self.iteration, self.number = iteration, number

    def __call__(self, iteration: int, _values: dict) -> None:
        if iteration == self.iteration:
            self.iteration = -1
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_training_ends_with_the_same_bytes(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict, number: signal.Signals
) -> None:
    run = tiny_run("segmentation")
    whole = trained(run, tiny_splits, tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError, match=number.name):
        trained(run, tiny_splits, tmp_path / "cut", tell=(StopAt(4, number),))
    resumed = trained(run, tiny_splits, tmp_path / "cut")
    assert_same(whole, resumed)


def test_a_training_whose_outputs_were_never_written_is_not_lost(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict
) -> None:
    run, checkpoints = tiny_run("detection", checkpoint_every=100), Checkpoints(tmp_path, {})
    setup = set_up(run, tiny_splits["train"], tiny_splits["validation"])
    first, again = (train(setup, CPU, checkpoints) for _ in range(2))
    assert_same(first, again)
    assert again.seconds == first.seconds


def test_the_number_of_loader_workers_changes_nothing(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run = tiny_run("detection")
    alone = trained(run, tiny_splits, tmp_path)
    helped = trained(run, tiny_splits, tmp_path, HardwareParams(device="cpu", loader_workers=2))
    assert_same(alone, helped)


def test_the_threads_that_a_machine_offers_change_nothing(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run, offered = tiny_run("detection"), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        few = trained(run, tiny_splits, tmp_path)
        torch.set_num_threads(3)
        many = trained(run, tiny_splits, tmp_path)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(offered)
    assert_same(few, many)


def test_the_time_waited_for_data_is_a_curve_of_its_own(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    told: dict[int, dict] = {}

    def listen(iteration: int, values: dict) -> None:
        told.setdefault(iteration, {}).update(values)

    rows = trained(tiny_run("detection"), tiny_splits, tmp_path, tell=(listen,)).curves.rows
    for iteration in (2, 4, 6):
        assert 0 < told[iteration]["seconds_waiting_for_data"] < told[iteration]["seconds"]
        assert "seconds_waiting_for_data" not in rows[iteration]  # what depends on the machine is in no output


def test_another_seed_gives_other_weights(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run = tiny_run("detection")
    one = trained(run, tiny_splits, tmp_path)
    other = trained(run.model_copy(update={"seed": run.seed + 1}), tiny_splits, tmp_path)
    with pytest.raises(AssertionError):
        assert_same(one, other)


def test_the_loss_falls_and_the_curves_say_so(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run = tiny_run("segmentation", epochs_1x=8, log_every=6)
    rows = trained(run, tiny_splits, tmp_path).curves.rows
    first, last = rows[min(rows)], rows[max(rows)]
    assert last["total_loss"] < 0.8 * first["total_loss"]
    assert {"epoch", "lr", "loss_cls", "loss_box_reg", "loss_mask", "val_loss_mask", "val_total_loss"} <= set(last)


def test_a_loss_that_is_not_finite_stops_with_the_files(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run = tiny_run("detection", base_lr=1e6, clip_gradient_norm=None, optimizer="sgd", warmup_iterations=0)
    with pytest.raises(UserError, match=r"iteration \d+: what is computed is not finite .*\.jpg.*base_lr"):
        trained(run, tiny_splits, tmp_path)


def test_a_finite_loss_that_explodes_stops_with_the_files(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    run = tiny_run(
        "detection", diverged_above=0.5, log_every=1
    )  # a loss that does not halve at once is one that explodes
    with pytest.raises(UserError, match=r"iteration 1: .*diverged_above times its median.*\.jpg"):
        trained(run, tiny_splits, tmp_path)
    trained(tiny_run("detection", diverged_above=None, log_every=1), tiny_splits, tmp_path)


def test_broken_weights_never_take_the_place_of_a_good_checkpoint(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict
) -> None:
    run, checkpoints = tiny_run("detection", base_lr=1e30, checkpoint_every=1), Checkpoints(tmp_path, {})
    run = run.model_copy(
        update={"training": run.training.model_copy(update={"warmup_iterations": 10**9, "warmup_factor": 1e-9})}
    )
    with pytest.raises(UserError, match=r"iteration \d+: what is computed is not finite .*\.jpg"):
        train(set_up(run, tiny_splits["train"], tiny_splits["validation"]), CPU, checkpoints)
    found = checkpoints.latest()
    assert found is None or all(value.isfinite().all() for value in found[1]["model"].values())


def test_skipped_pictures_are_counted_and_named_across_a_resume(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_splits["train"].images, tmp_path / "image")
    (tmp_path / "image" / "000007.jpg").write_bytes(b"no picture")
    splits = tiny_splits | {"train": Split(tiny_splits["train"].annotations, tmp_path / "image")}
    run = tiny_run("detection", epochs_1x=2, skip_unreadable=True)
    whole = trained(run, splits, tmp_path / "whole")
    assert capsys.readouterr().err.count("tiny: skipped ") == 1
    with pytest.raises(InterruptedTrainingError):
        trained(run, splits, tmp_path / "cut", tell=(StopAt(6, signal.SIGTERM),))
    assert_same(whole, trained(run, splits, tmp_path / "cut"))
    rows = whole.curves.rows
    assert rows[max(rows)]["unreadable_images"] == 2  # once an epoch
    with pytest.raises(UserError, match=r"000007\.jpg: cannot be read as a picture"):
        trained(tiny_run("detection"), splits, tmp_path / "strict")
