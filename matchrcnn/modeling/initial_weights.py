"""Start a model from the weights of another."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from matchrcnn.errors import UserError


def load_initial_weights(model: nn.Module, weights: Path, required: tuple[str, ...] = ()) -> int:
    """Copy the tensors that a model has in common with a weights file, by name and shape; the others stay as they are.

    A file without tensors is how a training from scratch says so: nothing is copied.

    Args:
        model: what is started.
        weights: a safetensors file, as models/RUN/model.safetensors.
        required: prefixes of names that must all be found, as `backbone.`.

    Returns:
        How many tensors were copied.

    Raises:
        UserError: the file is missing or no weights file, has nothing in common with the model, or lacks what is
            required.
    """
    try:
        found = load_file(weights)
    except FileNotFoundError:
        raise UserError(f"{weights}: no such file; train that run first") from None
    except SafetensorError as error:
        raise UserError(f"{weights}: not a safetensors file ({error})") from None
    if not found and not required:
        return 0
    own = model.state_dict()
    shared = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    lacking = [name for name in own if name.startswith(required) and name not in shared] if required else []
    if lacking or not shared:
        example = f"{lacking[0]} and {len(lacking) - 1} more" if lacking else "any tensor of this model"
        raise UserError(f"{weights}: has not {example} in this shape; its run must have the same model section")
    model.load_state_dict(shared, strict=False)
    return len(shared)
