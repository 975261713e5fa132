"""Models from a run's configuration, and their weights as safetensors."""

from pathlib import Path

import torch
from detectron2.modeling import build_model as build_detectron2_model
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

import matchrcnn.modeling.landmark_head
import matchrcnn.modeling.match_rcnn
import matchrcnn.modeling.rcnn
import matchrcnn.modeling.small_backbone  # noqa: F401 (they register themselves)
from matchrcnn.config import InferenceParams, RunConfig, dump, load_section
from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write, write_text
from matchrcnn.modeling.detectron2_config import to_detectron2
from matchrcnn.project import CONFIG, WEIGHTS


def pick_device(name: str) -> torch.device:
    """The device of a name; `auto` takes a GPU where there is one.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("hardware.device: cuda is asked for, and torch sees no GPU; set it to auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def build_model(run: RunConfig, device: torch.device) -> nn.Module:
    """The run's model with fresh weights, a function of the run's seed."""
    torch.manual_seed(run.seed)
    cfg = to_detectron2(run).clone()
    cfg.defrost()
    cfg.MODEL.DEVICE = str(device)
    return build_detectron2_model(cfg)


def save_model(model: nn.Module, run: RunConfig, folder: Path) -> None:
    """Write weights and the configuration that inference needs into a folder."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(folder / WEIGHTS) as file:
        file.write(save(tensors))
    write_text(folder / CONFIG, dump(run))


def load_model(
    folder: Path, device: torch.device, inference: InferenceParams | None = None
) -> tuple[nn.Module, RunConfig]:
    """A trained model, ready for inference, and its configuration.

    Args:
        folder: the trained run, `models/RUN`.
        device: that holds the model.
        inference: what counts as a detection; None: as the run has it.

    Raises:
        UserError: the folder holds no trained run, or its weights do not fit its configuration.
    """
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder}: no {WEIGHTS}; train the run first (`dvc repro train@{folder.name}`)")
    run = load_section(folder / CONFIG, RunConfig)
    if inference is not None:
        run = run.model_copy(update={"inference": inference})
    model = build_model(run, device)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS, device=str(device)))
    except (SafetensorError, RuntimeError) as error:
        raise UserError(f"{folder / WEIGHTS}: does not fit {folder / CONFIG}: {error}") from None
    return model.eval(), run
