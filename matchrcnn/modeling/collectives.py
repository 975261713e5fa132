"""Collectives within one training step; no-ops for a single process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.distributed as dist
from torch import Tensor

_alone: ContextVar[bool] = ContextVar("alone", default=False)


def processes() -> int:
    """Return how many processes compute this minibatch together."""
    if _alone.get() or not (dist.is_available() and dist.is_initialized()):
        return 1
    return int(dist.get_world_size())


@contextmanager
def alone() -> Iterator[None]:
    """Within it, this process computes a minibatch of its own, as if there were no others."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def total(own: Tensor) -> Tensor:
    """Return the sum of a tensor of any shape over all processes, without gradient; every process must call it."""
    if processes() == 1:
        return own
    result = own.detach().clone()
    dist.all_reduce(result)
    return result


def largest(own: Sequence[int], device: torch.device) -> list[int]:
    """Return the largest of each number over all processes."""
    if processes() == 1:
        return list(own)
    result = torch.tensor(own, device=device)
    dist.all_reduce(result, op=dist.ReduceOp.MAX)
    return [int(number) for number in result]


def weight_of_own_mean(counts: Tensor) -> Tensor:
    """Return the factor of a mean over this process' part that makes the processes' mean one over all parts.

    Args:
        counts: how many terms each of n means has in this part, (n,).

    Returns:
        (n,), of the type of `counts` divided.
    """
    return counts * processes() / total(counts).clamp(min=1)
