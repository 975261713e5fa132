"""What a run asks of torch so that the same inputs give the same bytes."""

import torch


def make_deterministic() -> None:
    """Ask torch for deterministic algorithms; on a GPU those operations that have none warn by name.

    Torch then also fills every new tensor, so that reading what was never written shows; nothing here reads it, and
    filling takes a seventh of a small model's step: it is left out.
    """
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
