"""A checkpoint is whole or passed over, and never another training's."""

import os
from pathlib import Path

import pytest
import torch

from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write
from matchrcnn.training.checkpoints import Checkpoints

MADE_FROM = {"parameters": "a", "code": "b"}


def saved(folder: Path, *iterations: int, **made_from: str) -> Checkpoints:
    checkpoints = Checkpoints(folder, MADE_FROM | made_from)
    for iteration in iterations:
        checkpoints.save(iteration, {"weights": torch.full((3,), float(iteration))})
    return checkpoints


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


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
    damage(newest)
    iteration, _ = checkpoints.latest()
    assert iteration == 10
    assert f"{newest} is damaged: the one before it is used" in capsys.readouterr().err


def test_where_all_are_damaged_training_starts_anew_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = saved(tmp_path, 10, 20)
    for path in tmp_path.rglob("*.pt"):
        damage(path)
    assert checkpoints.latest() is None
    assert "000000010.pt is damaged: no checkpoint left; starting from scratch" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 20, 40])
def test_a_truncated_one_is_passed_over(tmp_path: Path, size: int) -> None:
    checkpoints = saved(tmp_path, 10)
    (only,) = tmp_path.rglob("*.pt")
    only.write_bytes(only.read_bytes()[:size])
    assert checkpoints.latest() is None


def test_a_pickle_that_runs_code_is_not_run(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    with pytest.raises(Exception, match=r"[Ww]eights"):
        checkpoints.save(20, {"weights": os.getcwd}) or checkpoints.latest()


def test_another_trainings_are_not_seen(tmp_path: Path) -> None:
    saved(tmp_path, 10)
    assert Checkpoints(tmp_path, MADE_FROM | {"code": "c"}).latest() is None


def test_a_changed_training_is_told_of_the_one_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = saved(tmp_path, 10)
    changed = Checkpoints(tmp_path, MADE_FROM | {"code": "c"})
    changed.tidy()
    said = capsys.readouterr().err
    assert f"{before.folder}: an unfinished training of this run, 10 iterations, was made from other code;" in said
    before.folder.rename(changed.folder)  # as the message says
    assert changed.latest()[0] == 10


def test_a_parameter_changed_back_resumes_and_older_changes_are_dropped(tmp_path: Path) -> None:
    folders = [saved(tmp_path, 10, code=code).folder for code in "xyz"]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder, (1000 - age, 1000 - age))
    back = Checkpoints(tmp_path, MADE_FROM | {"code": "y"})
    back.tidy()
    assert back.latest()[0] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(folder.name for folder in folders[1:])


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    left = checkpoints.folder / ".000000020.pt.abcdefgh.partial"
    left.write_bytes(b"half")
    with atomic_write(checkpoints.folder / "000000030.pt") as file:
        checkpoints.tidy()
        file.write(b"whole")
    assert not left.exists()
    assert (checkpoints.folder / "000000030.pt").read_bytes() == b"whole"


def test_a_full_disk_is_said_and_the_checkpoints_before_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    checkpoints = saved(tmp_path, 10)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        UserError, match=r"000000020\.pt: cannot be written \(No space left on device\); free some space"
    ):
        saved(tmp_path, 20)
    monkeypatch.undo()
    assert checkpoints.latest()[0] == 10
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["000000010.pt", "made_from.json"]


def test_a_training_that_ended_leaves_none(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    checkpoints.clear()
    assert checkpoints.latest() is None
    assert not list(tmp_path.rglob("*.pt"))
