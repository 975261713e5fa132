"""Losses on held-out images, measured while a run trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import torch
from detectron2.utils.events import EventStorage
from torch import nn

from matchrcnn.config import RunConfig
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.sampler import draw_seed
from matchrcnn.data.split import Split, load_split
from matchrcnn.modeling.collectives import alone
from matchrcnn.training.distributed import from_all
from matchrcnn.training.pair_training import held_out_entries

Batch = list[dict[str, Any]]


def held_out_batches(validation: Split, run: RunConfig, mapper: Mapper, place: int, processes: int) -> list[Batch]:
    """A fixed, evenly spread choice of `validation_images` held-out images, mapped once and kept in memory.

    Of several processes each keeps its own batches, every `processes`-th one.
    """
    entries = load_split(validation).annotated()
    chosen = held_out_entries(run, entries, run.training.validation_images)
    size = run.training.minibatch // run.training.accumulate
    batches = []
    for start in range(place * size, len(chosen), processes * size):
        (batch,) = inference_loader(chosen[start : start + size], mapper, size, workers=0)
        for position, entry in enumerate(batch, start):
            entry["seed"] = draw_seed(run.seed, position)
        batches.append(batch)
    return batches


def validation_losses(model: nn.Module, batches: list[Batch]) -> dict[str, float]:
    """Mean training losses on held-out batches, without learning: no gradients, batch norms as in inference.

    Every process computes its own batches, alone; the means are over all of them, in the order of one process.
    """
    own = []
    with torch.no_grad(), EventStorage(), _frozen_batch_norms(model), alone():
        for batch in batches:
            own.append({name: float(loss) for name, loss in model(batch).items()})
    found = [batch for turn in zip_longest(*from_all(own)) for batch in turn if batch is not None]
    losses = {name: sum(batch[name] for batch in found) / len(found) for name in found[0]}
    return {"total_loss": sum(losses.values()), **losses}


@contextmanager
def _frozen_batch_norms(model: nn.Module) -> Iterator[None]:
    """A model in training mode gives losses, but its batch norms would learn from what they see."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    learning = [norm for norm in norms if norm.training]
    for norm in learning:
        norm.eval()
    try:
        yield
    finally:
        for norm in learning:
            norm.train()
