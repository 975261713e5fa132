"""Mixed precision learns the same more coarsely, resumes to the same bytes, and keeps its scale in checkpoints."""

import io
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.precision import Precision
from matchrcnn.training.setup import set_up
from matchrcnn.training.train import InterruptedTrainingError, TrainedModel, train
from tests.training.test_train import StopAt

CPU = HardwareParams(device="cpu", loader_workers=0)
MakeRun = Callable[..., RunConfig]


def small(run: RunConfig) -> RunConfig:
    sizes = {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 8, "landmark_convs": 1, "landmark_channels": 8}
    return run.model_copy(update={"model": run.model.model_copy(update=sizes)})


def trained(run: RunConfig, splits: dict, folder: Path, tell: tuple = ()) -> TrainedModel:
    checkpoints = Checkpoints(folder, {"run": "same"})
    return train(set_up(run, splits["train"], splits["validation"]), CPU, checkpoints, tell)


class Scaled(Precision):
    """What a GPU does, on a CPU: gradients scaled by a factor that grows every second step."""

    def __init__(self, mixed: bool, device: torch.device) -> None:
        super().__init__(mixed, device)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2, enabled=mixed)


@pytest.mark.parametrize("task", ["segmentation", "landmarks", "retrieval"])
def test_bfloat16_is_float32_more_coarsely(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict, task: str) -> None:
    first = {}
    for mixed in (False, True):
        run = small(tiny_run(task, mixed_precision=mixed, log_every=1, epochs_1x=0.25))
        first[mixed] = trained(run, tiny_splits, tmp_path / str(mixed)).curves.rows[1]
    assert first[True].keys() == first[False].keys()
    assert first[True]["total_loss"] != first[False]["total_loss"]
    assert first[True]["total_loss"] == pytest.approx(first[False]["total_loss"], rel=0.05)


def test_an_interrupted_mixed_training_ends_with_the_same_bytes(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matchrcnn.training.loop.Precision", Scaled)
    run = small(tiny_run("segmentation", mixed_precision=True, log_every=1))
    whole = trained(run, tiny_splits, tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError):
        trained(run, tiny_splits, tmp_path / "cut", (StopAt(3, signal.SIGTERM),))
    (path,) = sorted((tmp_path / "cut").rglob("[0-9]*.pt"))[-1:]
    scale = torch.load(io.BytesIO(path.read_bytes()[32:]), weights_only=True)["scaler"]
    assert scale["scale"] == 16.0
    resumed = trained(run, tiny_splits, tmp_path / "cut")
    weights, others = whole.model.state_dict(), resumed.model.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], others[name])] == []


def test_what_is_computed_in_half() -> None:
    mixed, plain = (Precision(choice, torch.device("cpu")) for choice in (True, False))
    ones = torch.ones(2, 2)
    with mixed.autocast():
        assert (ones @ ones).dtype == torch.bfloat16
    with plain.autocast():
        assert (ones @ ones).dtype == torch.float32
    assert not mixed.scaler.is_enabled()
