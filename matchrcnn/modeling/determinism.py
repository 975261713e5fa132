"""Deterministic settings for torch, and the operations that stay nondeterministic on a GPU."""

import os

import torch
from detectron2.modeling.poolers import ROIPooler
from torch import nn


def make_deterministic(threads: int | None = None) -> None:
    """Ask torch for deterministic algorithms; on a GPU those operations that have none warn by name.

    On a CPU sums are rounded by the threads that they are divided among: a number of them gives the same bytes whatever
    OMP_NUM_THREADS and the machine's cores; None leaves that to torch.

    Torch then also fills every new tensor, so that reading what was never written shows; nothing here reads it, and
    filling takes a seventh of a small model's step: it is left out.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is free to add in any order
    if threads is not None:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def nondeterministic_operations(model: nn.Module) -> list[str]:
    """Operations of a training step that have no deterministic form on a GPU, with the parts of the model in question.

    Of what torch documents under `use_deterministic_algorithms`, and of torchvision, training uses RoIAlign: its
    gradient is added up atomically, in no fixed order. FPN's upsampling is to the nearest and the landmarks' is a
    matrix product. A model whose features are frozen needs no such gradient.
    """
    if not any(parameter.requires_grad for parameter in model.get_submodule("backbone").parameters()):
        return []
    poolers = [name for name, module in model.named_modules() if isinstance(module, ROIPooler)]
    return [f"the gradient of RoIAlign (roi_align_backward_kernel), in {', '.join(poolers)}"]
