"""What cannot be read is said by name, and skipped only where that is asked for, whatever the number of workers."""

import shutil
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import torch

from matchrcnn.config import Params
from matchrcnn.data.loader import inference_loader, training_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.sampler import EpochSampler
from matchrcnn.data.split import Entries, Split, load_split
from matchrcnn.errors import UserError

BROKEN = ("000003.jpg", "000004.jpg", "000011.jpg")


@pytest.fixture
def damaged(tiny_splits: dict, tmp_path: Path) -> Entries:
    """The tiny training split with pictures that are cut off, empty and missing."""
    split = tiny_splits["train"]
    shutil.copytree(split.images, tmp_path / "image")
    cut, empty, missing = (tmp_path / "image" / name for name in BROKEN)
    cut.write_bytes(cut.read_bytes()[:300])
    empty.write_bytes(b"")
    missing.unlink()
    return load_split(Split(split.annotations, tmp_path / "image")).annotated()


def inputs(entries: Entries, preset: Params, workers: int, skip: bool, minibatches: int = 6) -> list[dict]:
    mapper = Mapper(preset.model, flip=True, masks=True, landmarks=True)
    loader = training_loader(entries, mapper, EpochSampler(len(entries), 4, seed=5), workers, skip)
    return [entry for batch, _ in zip(loader, range(minibatches), strict=False) for entry in batch]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_picture_is_said_by_name(damaged: Entries, sample_preset: Params, workers: int) -> None:
    with pytest.raises(UserError) as raised:
        inputs(damaged, sample_preset, workers, skip=False)
    said = str(raised.value)
    assert any(f"{name}: cannot be read as a picture" in said for name in BROKEN)
    assert said.endswith("set training.skip_unreadable: true")
    assert "Traceback" not in said
    assert said.count("image/0000") == 1


def test_skipped_pictures_are_replaced_by_their_like_whatever_the_workers(
    damaged: Entries, sample_preset: Params
) -> None:
    alone, helped = (inputs(damaged, sample_preset, workers, skip=True) for workers in (0, 2))
    for one, other in zip(alone, helped, strict=True):
        assert one["file_name"] == other["file_name"]
        assert torch.equal(one["image"], other["image"])
        assert one["skipped"] == other["skipped"]
    skipped = [reason for entry in alone for reason in entry["skipped"]]
    assert {name for name in BROKEN if any(name in reason for reason in skipped)} == set(BROKEN)
    assert not {Path(entry["file_name"]).name for entry in alone} & set(BROKEN)
    source = {entry["file_name"]: entry["source"] for entry in damaged}
    draws = [draw for batch, _ in zip(EpochSampler(len(damaged), 4, 5), range(6), strict=False) for draw in batch]
    for entry, draw in zip(alone, draws, strict=True):
        assert source[entry["file_name"]] == damaged[draw.place]["source"]
        assert bool(entry["skipped"]) == (entry["file_name"] != damaged[draw.place]["file_name"])


def test_a_folder_that_is_not_there_is_no_defect_of_a_picture(
    tiny_splits: dict, sample_preset: Params, tmp_path: Path
) -> None:
    entries = load_split(Split(tiny_splits["train"].annotations, tmp_path / "absent"))
    with pytest.raises(UserError, match=r"pictures one after another cannot be read; the first: .*absent"):
        inputs(entries, sample_preset, 0, skip=True)


def test_inference_never_skips(damaged: Entries, sample_preset: Params) -> None:
    mapper = Mapper(sample_preset.model, flip=False, masks=False, landmarks=False)
    with pytest.raises(UserError, match=r"000003\.jpg: cannot be read as a picture"):
        list(inference_loader(damaged, mapper, 8, workers=0))


def load_forever(damaged: Entries, preset: Params, pids: Connection) -> None:
    """Take minibatches with two workers until something ends this process; tell who the workers are."""
    mapper = Mapper(preset.model, flip=True, masks=True, landmarks=True)
    for _ in training_loader(damaged, mapper, EpochSampler(len(damaged), 4, seed=5), 2, skip_unreadable=True):
        pids.send([child.pid for child in psutil.Process().children()])
        time.sleep(0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own word for it is Linux's")
def test_workers_end_with_their_process_even_if_they_are_stopped(damaged: Entries, sample_preset: Params) -> None:
    context = get_context("fork")
    pids, told = context.Pipe(duplex=False)
    process = context.Process(target=load_forever, args=(damaged, sample_preset, told))
    process.start()
    workers = [psutil.Process(pid) for pid in pids.recv()]
    assert len(workers) == 2
    for worker in workers:
        worker.suspend()
    process.kill()
    process.join()
    _, left = psutil.wait_procs(workers, timeout=60)
    assert [worker for worker in left if worker.status() != psutil.STATUS_ZOMBIE] == []
