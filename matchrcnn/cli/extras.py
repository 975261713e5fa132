"""Which extra of the package a command needs, and what to say where it is not installed."""

from collections.abc import Iterable
from importlib.util import find_spec

from matchrcnn.errors import UserError

EXTRAS = {
    "photos": (
        "cloudpickle",
        "cv2",
        "fvcore",
        "hydra",
        "iopath",
        "matplotlib",
        "omegaconf",
        "pandas",
        "safetensors",
        "termcolor",
        "threadpoolctl",
        "torch",
        "torchvision",
        "yacs",
    ),
    "train": ("tensorboard",),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "pipeline": ("dvc", "mlflow", "psutil", "pynvml"),
    "dev": ("faiss", "faster_coco_eval", "hotcoco"),
}
"""Extra -> the modules that it brings beyond the package's own dependencies, as in pyproject.toml."""

NEEDS = {
    "predict": ("torch", "detectron2"),
    "search": ("torch", "detectron2"),
    "export-onnx": ("onnx", "onnxruntime", "torch", "detectron2"),
}
"""Command -> modules without which it cannot start; the first missing one is named."""

DETECTRON2 = (
    "needs detectron2, which no package index has under its own name; `make setup` in a clone of this repository "
    "installs it, or build it from github.com/facebookresearch/detectron2"
)


def require(command: str) -> None:
    """Check, without importing anything, that the modules of a command are installed.

    Raises:
        UserError: one is missing; says which extra brings it.
    """
    for module in NEEDS.get(command, ()):
        if find_spec(module) is None:
            raise UserError(_message(module, _extra(module, command)))


def missing(error: ModuleNotFoundError, command: str) -> UserError | None:
    """Return what a user can do about a module that is not installed; None for a module that no extra brings."""
    module = (error.name or "").partition(".")[0]
    known = module == "detectron2" or any(module in modules for modules in EXTRAS.values())
    return UserError(_message(module, _extra(module, command))) if known else None


def _message(module: str, extra: str) -> str:
    return DETECTRON2 if module == "detectron2" else f"needs {module}; pip install 'matchrcnn[{extra}]'"


def _extra(module: str, command: str) -> str:
    """Return the extra that brings a module; for export-onnx onnx, which includes photos."""
    if command == "export-onnx":
        return "onnx"
    return _first(extra for extra, modules in EXTRAS.items() if module in modules)


def _first(names: Iterable[str]) -> str:
    return next(iter(names), "all")
