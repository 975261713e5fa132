"""Loaders: endless minibatches for training, every image once for inference and validation."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from detectron2.data import DatasetFromList
from torch.utils.data import DataLoader, Dataset

from matchrcnn.data.mapper import Mapper, UnreadableImageError
from matchrcnn.data.records import DatasetEntry, ModelInput
from matchrcnn.data.sampler import Draw
from matchrcnn.data.split import Entries
from matchrcnn.errors import UserError

E = TypeVar("E")

UNREADABLE = 100
"""Pictures in a row that may be unreadable: more of them are no defects but a folder that is not there."""

_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


def _shared(entries: Sequence[E]) -> Sequence[E]:
    """The same entries, serialised in one buffer that worker processes share."""
    mapped = isinstance(entries, Entries)  # a file mapped into memory is shared already
    return entries if mapped else DatasetFromList(list(entries), copy=False)


class _InOrder(Dataset, Generic[E]):
    """Maps entries by their place.

    An error that a user can fix is returned in place of an input: raised, it would leave a worker as a traceback.
    """

    def __init__(self, entries: Sequence[E], mapper: Callable[[E], object]) -> None:
        self.entries, self.mapper = _shared(entries), mapper

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: int) -> object:
        try:
            return self.mapper(self.entries[place])
        except UserError as error:
            return error


class _Drawn(Dataset):
    """Maps draws to model inputs; errors are returned as by `_InOrder`."""

    def __init__(self, entries: Sequence[DatasetEntry], mapper: Mapper, skip_unreadable: bool) -> None:
        self.entries, self.mapper, self.skip_unreadable = _shared(entries), mapper, skip_unreadable

    def __getitem__(self, draw: Draw) -> ModelInput | UserError:
        try:
            if self.skip_unreadable:
                return self._first_readable(draw)
            return self.mapper(self.entries[draw.place], draw.seed)
        except UnreadableImageError as error:
            return UserError(f"{error}, or set training.skip_unreadable: true")
        except UserError as error:
            return error

    def _first_readable(self, draw: Draw) -> ModelInput:
        """The image of a draw or the next one like it, with what was skipped; a function of the draw alone."""
        wanted, skipped = self.entries[draw.place], list[str]()
        for place in range(draw.place, draw.place + len(self.entries)):
            entry = self.entries[place % len(self.entries)]
            if _alike(entry, wanted):
                try:
                    return {**self.mapper(entry, draw.seed), "skipped": skipped}
                except UnreadableImageError as error:
                    skipped.append(str(error))
            if len(skipped) == UNREADABLE:
                break
        raise UserError(f"{len(skipped)} pictures one after another cannot be read; the first: {skipped[0]}")


def _alike(one: DatasetEntry, other: DatasetEntry) -> bool:
    """Whether an image can stand in for another: user or shop image, with an item that has an identity or without."""
    styled = [any(item["style"] > 0 for item in entry["annotations"]) for entry in (one, other)]
    return one["source"] == other["source"] and styled[0] == styled[1]


class _Loader(DataLoader):
    """DataLoader that re-raises a worker's UserError in the parent process."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for batch in super().__iter__():
            for entry in batch:
                if isinstance(entry, UserError):
                    raise entry
            yield batch


def training_loader(
    entries: Sequence[DatasetEntry],
    mapper: Mapper,
    batches: Iterable[list[Draw]],
    workers: int,
    skip_unreadable: bool = False,
) -> DataLoader:
    """Minibatches (lists of model inputs) in the order of `batches`, whatever the number of workers.

    Args:
        entries: of a split.
        mapper: from an entry to a model's input.
        batches: what each minibatch draws.
        workers: processes.
        skip_unreadable: whether the next image of its kind takes the place of one that cannot be read; an input's
            `skipped` then says why. Otherwise such an image is a UserError.
    """
    return _Loader(
        _Drawn(entries, mapper, skip_unreadable),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_as_list,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
        worker_init_fn=partial(_serve, os.getpid(), through_signals=True),
    )


def inference_loader(entries: Sequence[E], mapper: Callable[[E], object], minibatch: int, workers: int) -> DataLoader:
    """Every image once, in order, in minibatches (lists of what the mapper makes of an entry).

    Args:
        entries: dataset entries, or whatever else the mapper takes.
        mapper: from an entry to a model's input.
        minibatch: images in a minibatch; the last may hold fewer.
        workers: processes.
    """
    return _Loader(
        _InOrder(entries, mapper),
        batch_size=minibatch,
        num_workers=workers,
        collate_fn=_as_list,
        worker_init_fn=partial(_serve, os.getpid(), through_signals=False),
    )


_as_list: Callable[[list], list] = list


def _serve(parent: int, _worker: int, through_signals: bool) -> None:
    """Begin a worker: it ends with its process (on Linux: with the thread that started it) at the latest.

    A training's worker does not end before the loop says so:
    Ctrl-C and a machine that stops tell the whole process group, and the training has one more checkpoint to write.

    Torch's worker finds out by itself that its process is gone, but not while it is stopped, nor while it waits to
    hand over a minibatch that nobody takes.
    """
    if through_signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before that call
            os._exit(1)
