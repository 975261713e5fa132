"""Loaders: endless minibatches for training, every image once for inference and validation."""

from collections.abc import Callable, Iterable
from typing import Any

from detectron2.data import DatasetFromList
from torch.utils.data import DataLoader, Dataset

from matchrcnn.data.mapper import Mapper
from matchrcnn.data.sampler import Draw


class _Drawn(Dataset):
    """Maps draws to model inputs. The dicts are held serialised in one buffer that worker processes share."""

    def __init__(self, entries: list[dict[str, Any]], mapper: Mapper) -> None:
        self.entries, self.mapper = DatasetFromList(entries, copy=False), mapper

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, draw: Draw | int) -> dict[str, Any]:
        if isinstance(draw, Draw):
            return self.mapper(self.entries[draw.place], draw.seed)
        return self.mapper(self.entries[draw])


def training_loader(
    entries: list[dict[str, Any]], mapper: Mapper, batches: Iterable[list[Draw]], workers: int
) -> DataLoader:
    """Minibatches (lists of model inputs) in the order of `batches`, whatever the number of workers."""
    return DataLoader(
        _Drawn(entries, mapper),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_as_list,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
    )


def inference_loader(entries: list[dict[str, Any]], mapper: Mapper, minibatch: int, workers: int) -> DataLoader:
    """Every image once, in order, in minibatches (lists of model inputs)."""
    return DataLoader(_Drawn(entries, mapper), batch_size=minibatch, num_workers=workers, collate_fn=_as_list)


_as_list: Callable[[list], list] = list
