"""A checkpoint is whole or passed over, and never another training's."""

from pathlib import Path

import pytest
import torch

from matchrcnn.engine.checkpoints import Checkpoints


def saved(folder: Path, *iterations: int) -> Checkpoints:
    checkpoints = Checkpoints(folder, "key")
    for iteration in iterations:
        checkpoints.save(iteration, {"weights": torch.full((3,), float(iteration))})
    return checkpoints


def test_the_newest_is_taken_up(tmp_path: Path) -> None:
    iteration, state = saved(tmp_path, 10, 20, 30).latest()
    assert iteration == 30
    assert state["weights"].tolist() == [30, 30, 30]


def test_only_two_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, 30)
    assert [path.stem for path in sorted(tmp_path.rglob("*.pt"))] == ["000000020", "000000030"]


def test_a_damaged_one_is_said_and_the_one_before_it_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = saved(tmp_path, 10, 20)
    newest = max(tmp_path.rglob("*.pt"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    iteration, _ = checkpoints.latest()
    assert iteration == 10
    assert newest.name in capsys.readouterr().out


def test_a_truncated_one_is_passed_over(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    (only,) = tmp_path.rglob("*.pt")
    only.write_bytes(only.read_bytes()[:20])
    assert checkpoints.latest() is None


def test_another_trainings_are_not_seen(tmp_path: Path) -> None:
    saved(tmp_path, 10)
    assert Checkpoints(tmp_path, "other").latest() is None


def test_a_training_that_ended_leaves_none(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    checkpoints.clear()
    assert checkpoints.latest() is None
