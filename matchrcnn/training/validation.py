"""Losses on held-out images, measured while a run trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest

import torch
from detectron2.utils.events import EventStorage
from torch import nn

from matchrcnn.config import RunConfig
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import Minibatch
from matchrcnn.data.sampler import draw_seed
from matchrcnn.data.split import Entries
from matchrcnn.modeling.collectives import alone
from matchrcnn.training.distributed import from_all
from matchrcnn.training.pair_training import held_out_entries


def held_out_batches(
    validation: Entries, run: RunConfig, mapper: Mapper, place: int, processes: int
) -> list[Minibatch]:
    """Choose `validation_images` held-out images, evenly spread, map them once and keep them in memory.

    Each of several processes keeps its own batches, every `processes`-th one.
    """
    chosen = held_out_entries(run, validation, run.training.validation_images)
    size = run.training.minibatch // run.training.accumulate
    batches = []
    for start in range(place * size, len(chosen), processes * size):
        part = chosen[start : start + size]
        (batch,) = inference_loader(part, mapper, size, workers=0)
        for position, entry in enumerate(batch, start):
            entry["seed"] = draw_seed(run.seed, position)
        batches.append(batch)
    return batches


def validation_losses(model: nn.Module, batches: list[Minibatch]) -> dict[str, float]:
    """Return mean training losses on held-out batches, without learning: no gradients, batch norms as in inference.

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
    """Keep batch norms as in inference: a model in training mode gives losses, but its norms would learn from them."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    learning = [norm for norm in norms if norm.training]
    for norm in learning:
        norm.eval()
    try:
        yield
    finally:
        for norm in learning:
            norm.train()
