"""Which extra of the package a command needs, and what to say where it is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def naming_extras(command: str) -> Iterator[None]:
    """Turn the error of a module that is not installed into the name of the extra that brings it.

    Raises:
        UserError: in place of the ModuleNotFoundError of a module that an extra brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module != "detectron2" and not any(module in modules for modules in EXTRAS.values()):
            raise
        raise UserError(_message(module, _extra(module, command))) from None


def _message(module: str, extra: str) -> str:
    return DETECTRON2 if module == "detectron2" else f"needs {module}; pip install 'matchrcnn[{extra}]'"


def _extra(module: str, command: str) -> str:
    """Return the extra that brings a module; for export-onnx onnx, which includes photos."""
    if command == "export-onnx":
        return "onnx"
    return next((extra for extra, modules in EXTRAS.items() if module in modules), "photos")
