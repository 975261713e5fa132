"""What training on image pairs adds to the loop: batches of pairs, and counts of what they make."""

from collections.abc import Sequence

import numpy as np
from detectron2.utils.events import get_event_storage

from matchrcnn.config import RunConfig
from matchrcnn.data.pairs import PairSampler, image_pairs
from matchrcnn.data.records import DatasetEntry
from matchrcnn.data.sampler import EpochSampler
from matchrcnn.errors import UserError
from matchrcnn.tasks import TASKS

Batches = EpochSampler | PairSampler


def training_batches(run: RunConfig, entries: Sequence[DatasetEntry], start: int = 0) -> Batches:
    """Return endless batches of a run: images, or for retrieval minibatch / 2 image pairs.

    Raises:
        UserError: a retrieval run's minibatch is odd, or its data hold no image pair.
    """
    if not TASKS[run.task].from_pairs:
        return EpochSampler(len(entries), run.training.minibatch, run.seed, start)
    if run.training.minibatch % 2:
        raise UserError(f"training.minibatch: {run.training.minibatch} is odd; retrieval learns from image pairs")
    pairs = image_pairs(entries)
    if not pairs:
        raise UserError(
            f"{run.name}: no user image shares a pair_id and a style > 0 with a shop image: nothing to learn"
        )
    return PairSampler(pairs, run.training.minibatch // 2, run.seed, start)


def held_out_entries(run: RunConfig, entries: Sequence[DatasetEntry], count: int) -> list[DatasetEntry]:
    """Choose about `count` evenly spread entries for the validation loss; for retrieval, user and shop in turn."""
    pairs = image_pairs(entries) if TASKS[run.task].from_pairs else []
    if not pairs:
        return [entries[place] for place in _spread(len(entries), count)]
    chosen = [pairs[place] for place in _spread(len(pairs), count // 2)]
    return [entries[place] for pair in chosen for place in (pair.user, pair.shop)]


def pair_counts() -> dict[str, float]:
    """Count pairs and identities of the batch that the model has just seen; empty for models that do not pair."""
    latest = get_event_storage().latest()
    return {name: value for name, (value, _) in latest.items() if name.startswith("pairs/")}


def coverage(batches: Batches, iterations: int) -> dict[str, float]:
    """Count the identities in the batches of the first `iterations` iterations; empty for images without pairs."""
    if isinstance(batches, PairSampler):
        return {"pairs/identities_seen": batches.identities_seen(iterations)}
    return {}


def _spread(size: int, count: int) -> list[int]:
    return np.linspace(0, size - 1, min(size, count)).round().astype(int).tolist()
