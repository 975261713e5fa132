"""Losses on held-out images, measured while a run trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from detectron2.utils.events import EventStorage
from torch import nn

from matchrcnn.config import RunConfig
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.sampler import draw_seed
from matchrcnn.data.split import Split, load_split
from matchrcnn.engine.pair_training import held_out_entries

Batch = list[dict[str, Any]]


def held_out_batches(validation: Split, run: RunConfig, mapper: Mapper) -> list[Batch]:
    """A fixed, evenly spread choice of `validation_images` held-out images, mapped once and kept in memory."""
    entries = load_split(validation).annotated()
    chosen = held_out_entries(run, entries, run.training.validation_images)
    batches = list(inference_loader(chosen, mapper, run.training.minibatch, workers=0))
    for place, entry in enumerate(chain.from_iterable(batches)):
        entry["seed"] = draw_seed(run.seed, place)
    return batches


def validation_losses(model: nn.Module, batches: list[Batch]) -> dict[str, float]:
    """Mean training losses on held-out batches, without learning: no gradients, batch norms as in inference."""
    sums: dict[str, float] = {}
    with torch.no_grad(), EventStorage(), _frozen_batch_norms(model):
        for batch in batches:
            for name, loss in model(batch).items():
                sums[name] = sums.get(name, 0.0) + float(loss)
    losses = {name: value / len(batches) for name, value in sums.items()}
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
