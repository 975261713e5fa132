"""Retrieval learns from image pairs, joint or on a frozen run, and resumes like every other training."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from matchrcnn.config import HardwareParams, RetrievalParams, RunConfig
from matchrcnn.data.split import load_split
from matchrcnn.errors import UserError
from matchrcnn.modeling.build import save_model
from matchrcnn.project import WEIGHTS
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.pair_training import held_out_entries, training_batches
from matchrcnn.training.setup import set_up
from matchrcnn.training.train import InterruptedTrainingError, TrainedModel, train

CPU = HardwareParams(device="cpu", loader_workers=0)
MakeRun = Callable[..., RunConfig]


def retrieval(tiny_run: MakeRun, training: dict | None = None, **params: object) -> RunConfig:
    run = small(tiny_run("retrieval", **(training or {})))
    return run.model_copy(update={"retrieval": RetrievalParams(widths=(4, 4, 4, 8), embedding=16, **params)})


def small(run: RunConfig) -> RunConfig:
    sizes = {"shorter_edge": 64, "longer_edge": 104, "rois_per_image": 8, "landmark_convs": 1, "landmark_channels": 8}
    return run.model_copy(update={"model": run.model.model_copy(update=sizes)})


def trained(run: RunConfig, splits: dict, folder: Path, initial: Path | None = None, tell: tuple = ()) -> TrainedModel:
    return train(set_up(run, splits["train"], splits["validation"], initial), CPU, Checkpoints(folder, {}), tell)


def test_joint_training_has_all_losses_and_counts_its_pairs(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict
) -> None:
    rows = trained(retrieval(tiny_run, variant="pose+class"), tiny_splits, tmp_path).curves.rows
    last = rows[max(rows)]
    losses = {"loss_cls", "loss_box_reg", "loss_mask", "loss_keypoint", "loss_pair"}
    assert losses | {f"val_{name}" for name in losses} <= set(last)
    assert last["pairs/positive"] + last["pairs/negative"] == 16 * 16
    assert last["pairs/positive"] >= 64
    seen = [
        rows[iteration]["pairs/identities_seen"] for iteration in sorted(rows) if "pairs/positive" in rows[iteration]
    ]
    assert seen == sorted(seen)
    assert seen[-1] > last["pairs/identities"] >= 1


def test_an_interrupted_pair_training_ends_with_the_same_bytes(
    tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict
) -> None:
    def stop(iteration: int, _values: dict) -> None:
        if iteration == 4 and not stopped:
            stopped.append(iteration)
            os.kill(os.getpid(), signal.SIGTERM)

    stopped: list[int] = []
    run = retrieval(tiny_run, variant="class")
    whole = trained(run, tiny_splits, tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError):
        trained(run, tiny_splits, tmp_path / "cut", tell=(stop,))
    resumed = trained(run, tiny_splits, tmp_path / "cut")
    weights, others = whole.model.state_dict(), resumed.model.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], others[name])] == []
    assert whole.curves.rows == resumed.curves.rows


def test_a_frozen_training_keeps_what_it_started_from(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    first = small(tiny_run("landmarks"))
    start = trained(first, tiny_splits, tmp_path / "first").model
    save_model(start, first, tmp_path / "landmarks")
    run = retrieval(tiny_run, variant="pose", freeze=True)
    result = trained(run, tiny_splits, tmp_path / "second", tmp_path / "landmarks" / WEIGHTS)
    weights = result.model.state_dict()
    assert [name for name, value in start.state_dict().items() if not torch.equal(weights[name], value)] == []
    rows = result.curves.rows
    assert {name for name in rows[max(rows)] if name.startswith("loss")} == {"loss_pair"}


def test_weights_that_do_not_fit_are_refused(tmp_path: Path, tiny_run: MakeRun, tiny_splits: dict) -> None:
    first = small(tiny_run("detection"))
    narrow = first.model_copy(update={"model": first.model.model_copy(update={"box_fc": 8})})
    start = trained(narrow, tiny_splits, tmp_path / "first").model
    save_model(start, narrow, tmp_path / "detection")
    run = retrieval(tiny_run, freeze=True)
    with pytest.raises(UserError, match=r"roi_heads\.box_.*same model section"):
        trained(run, tiny_splits, tmp_path / "second", tmp_path / "detection" / WEIGHTS)
    with pytest.raises(UserError, match="train that run first"):
        set_up(run, tiny_splits["train"], tiny_splits["validation"], tmp_path / "absent" / WEIGHTS)


def test_data_without_image_pairs_and_odd_minibatches_are_refused(tiny_run: MakeRun, tiny_splits: dict) -> None:
    entries = [entry for entry in load_split(tiny_splits["train"]) if entry["source"] == "shop"]
    with pytest.raises(UserError, match="nothing to learn"):
        training_batches(retrieval(tiny_run), entries)
    with pytest.raises(UserError, match=r"training\.minibatch: 3 is odd"):
        training_batches(retrieval(tiny_run, {"minibatch": 3}), entries)


def test_validation_loss_is_measured_on_pairs(tiny_run: MakeRun, tiny_splits: dict) -> None:
    entries = load_split(tiny_splits["validation"])
    sources = [entry["source"] for entry in held_out_entries(retrieval(tiny_run), entries, 6)]
    assert sources == ["user", "shop"] * 3
