"""What a run asks of torch so that the same inputs give the same bytes."""

import torch


def make_deterministic() -> None:
    """Ask torch for deterministic algorithms; on a GPU those operations that have none warn by name."""
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
