"""Start a model from the weights of another."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from matchrcnn.errors import UserError

STATISTICS, COUNTS = (".running_mean", ".running_var"), (".num_batches_tracked",)


class Start(NamedTuple):
    """What became of a weights file's tensors and a model's, by name.

    Attributes:
        loaded: copied into the model.
        missing: the model's that the file lacks, or has in another shape; they stay as they were drawn.
        left_over: the file's that the model lacks, or has in another shape.
    """

    loaded: list[str]
    missing: list[str]
    left_over: list[str]

    def __str__(self) -> str:
        """A line each, by the modules that the tensors belong to."""
        lines = zip(("loaded", "missing (randomly initialised)", "left over"), self, strict=True)
        return "\n".join(
            f"  {len(names)} {what}: {by_module(names)}" if names else f"  0 {what}" for what, names in lines
        )


def by_module(names: list[str]) -> str:
    """Names as modules with the number of their tensors: `backbone.bottom_up.res2 (45), ...`."""
    counts = Counter(".".join(name.split(".")[: max(1, min(3, name.count(".")))]) for name in names)
    return ", ".join(f"{module} ({count})" for module, count in counts.items())


def load_initial_weights(model: nn.Module, weights: Path, required: tuple[str, ...] = (), exact: bool = False) -> Start:
    """Copy the tensors that a model has in common with a weights file, by name and shape; the others stay as they are.

    A file without tensors is how a training from scratch says so: nothing is copied.

    Args:
        model: what is started.
        weights: a safetensors file, as models/RUN/model.safetensors.
        required: prefixes of names that must all be found, as `backbone.`. Where the file has no running statistics at
            all, as that of an affine layer, a norm keeps its own: mean 0 and variance 1.
        exact: whether the file may hold nothing else.

    Returns:
        What was loaded, what is missing and what is left over.

    Raises:
        UserError: the file is missing or no weights file, has nothing in common with the model, lacks what is required,
            or holds what it may not.
    """
    found = _read(weights)
    own = model.state_dict()
    if not found and (exact or not required):
        return Start([], list(own), [])
    shared = {name: found[name] for name in own if name in found and found[name].shape == own[name].shape}
    start = Start(
        [*shared], [name for name in own if name not in shared], sorted(name for name in found if name not in shared)
    )
    spared = COUNTS if any(name.endswith(STATISTICS) for name in found) else (*STATISTICS, *COUNTS)
    lacking = [name for name in start.missing if required and name.startswith(required) and not name.endswith(spared)]
    if lacking or not shared:
        example = f"{_shape(lacking[0], own)} and {len(lacking) - 1} more" if lacking else "any tensor of this model"
        raise UserError(f"{weights}: has not {example} in this shape; its run must have the same model section")
    if exact and start.left_over:
        example = f"{_shape(start.left_over[0], found)} and {len(start.left_over) - 1} more"
        raise UserError(f"{weights}: has {example}, which this model has not: weights of another network")
    model.load_state_dict(shared, strict=False)
    return start


def _read(weights: Path) -> dict[str, Tensor]:
    try:
        return dict(load_file(weights))
    except FileNotFoundError:
        raise UserError(f"{weights}: no such file; train that run first") from None
    except SafetensorError as error:
        raise UserError(f"{weights}: not a safetensors file ({error})") from None


def _shape(name: str, tensors: dict[str, Tensor]) -> str:
    return f"{name} ({' x '.join(map(str, tensors[name].shape))})"
