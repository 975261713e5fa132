"""What is random about a training image: a function of the image's own seed, whatever batch or process it is in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from matchrcnn.data.records import Minibatch

ANCHORS, ROIS, MATCH_ROIS = range(3)
"""The draws of an image."""

_seeds: ContextVar[tuple[int, ...]] = ContextVar("seeds", default=())


@contextmanager
def own_draws(batch: Minibatch) -> Iterator[None]:
    """Within it, each image draws by its input's `seed`; where an input has none, all draw from torch's generator."""
    seeds = tuple(entry["seed"] for entry in batch if "seed" in entry)
    token = _seeds.set(seeds if len(seeds) == len(batch) else ())
    try:
        yield
    finally:
        _seeds.reset(token)


def start_draw(image: int, draw: int) -> None:
    """Bring torch's generator to where a draw of an image starts: what follows depends on its seed alone."""
    if seeds := _seeds.get():
        seed = (seeds[image] + draw) % 2**63
        torch.default_generator.manual_seed(seed)  # torch.manual_seed asks every kind of accelerator: 300 times as long
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed(seed)
