"""ImageNet ResNet weights from a file of torchvision's, detectron2's or our own making, under our model's names.

No file is executed: pickles may name nothing but NumPy arrays (detectron2) or what torch deems weights (torchvision).
"""

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from detectron2.checkpoint.c2_model_loading import convert_c2_detectron_names
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from matchrcnn.config import WeightsParams
from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write, sha256
from matchrcnn.modeling.initial_weights import by_module

BACKBONE = "backbone.bottom_up."
ARRAYS = {("_codecs", "encode"), ("numpy", "ndarray"), ("numpy", "dtype")} | {
    (f"numpy.{package}.multiarray", name) for package in ("core", "_core") for name in ("_reconstruct", "scalar")
}
"""All that a pickle of NumPy arrays names."""

WRAPPERS = ("model", "state_dict")


class Pretrained(NamedTuple):
    """A ResNet's tensors by the names of the model's backbone, and the file's names of those that are none of it."""

    weights: dict[str, Tensor]
    left_over: list[str]


def read_pretrained(path: Path, digest: str | None = None) -> Pretrained:
    """ResNet weights by the names of the model's backbone, `backbone.bottom_up.stem.conv1.weight` and so on.

    Args:
        path: `.pkl` of detectron2's model zoo (such as R-50.pkl), `.pth` of torchvision, or `.safetensors` of either.
        digest: the SHA-256 that the file must have, in hex; None: any.

    Raises:
        UserError: the file is missing, has another digest, another form, or holds no ResNet.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; model.initial_weights names it, null trains from scratch")
    if digest is not None and (found := sha256(path)) != digest:
        raise UserError(
            f"{path}: SHA-256 is {found}, model.initial_weights.sha256 says {digest}; is it the right file?"
        )
    tensors = _read(path)
    ours = {name: BACKBONE + _our_name(name) for name in tensors if not name.endswith("num_batches_tracked")}
    resnet = {name: own for name, own in ours.items() if re.match(rf"{BACKBONE}(stem|res\d)\.", own)}
    if not resnet:
        raise UserError(
            f"{path}: holds no ResNet: its tensors are named {', '.join(sorted(tensors)[:3]) or '(none)'}, ..."
        )
    weights = {own: tensors[name] for name, own in resnet.items()}
    return Pretrained(weights, [name for name in ours if name not in resnet])


def write_initial(source: WeightsParams | None, path: Path) -> str:
    """Write a pretrained backbone under our names as safetensors; None: no tensor, which means from scratch.

    Returns:
        One or two lines on what was written and what the file holds beyond it.

    Raises:
        UserError: as in `read_pretrained`.
    """
    weights, left_over = Pretrained({}, []) if source is None else read_pretrained(source.file, source.sha256)
    with atomic_write(path) as file:
        file.write(save({name: value.contiguous() for name, value in weights.items()}))
    if source is None:
        return f"{path.parent.name}: from scratch"
    return (
        f"{path.parent}: {len(weights)} tensors of {source.file}: {by_module(list(weights))}\n"
        f"left over: {', '.join(left_over) or 'nothing'}"
    )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        if path.suffix == ".pkl":
            return _read_detectron(path)
        return _tensors(torch.load(path, map_location="cpu", weights_only=True))
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError, LookupError) as error:
        raise UserError(f"{path}: not a weights file that can be read without running it: {error}") from None


def _tensors(content: Any) -> dict[str, Tensor]:  # noqa: ANN401 (whatever a file holds)
    """The tensors of a state dict, which may lie within another dict."""
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds a {type(content).__name__}, no tensors by name")
    inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    return {str(name): value for name, value in inner.items() if isinstance(value, Tensor)}


def _read_detectron(path: Path) -> dict[str, Tensor]:
    content = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds a {type(content).__name__}, no arrays by name")
    arrays = content.get("model", content.get("blobs", content))
    tensors = {
        name: torch.from_numpy(np.array(value)) for name, value in arrays.items() if isinstance(value, np.ndarray)
    }
    if any(name.endswith("_w") for name in tensors):
        tensors, _ = convert_c2_detectron_names(tensors)
    return tensors


def _our_name(name: str) -> str:
    """torchvision's name of a ResNet tensor as detectron2's; other names stay."""
    name = name.removeprefix(BACKBONE)
    name = re.sub(r"^(conv1|bn1)\.", r"stem.\1.", name)
    name = re.sub(r"^layer(\d)\.", lambda found: f"res{int(found[1]) + 1}.", name)
    name = name.replace("downsample.0.", "shortcut.").replace("downsample.1.", "shortcut.norm.")
    return re.sub(r"\bbn(\d)\.", r"conv\1.norm.", name)


class _ArrayUnpickler(pickle.Unpickler):
    """Reads NumPy arrays and plain containers, and refuses to import anything else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (as pickle has it)
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")
        return super().find_class(module, name)
