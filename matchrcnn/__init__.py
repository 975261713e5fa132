"""Match R-CNN on DeepFashion2: detection, segmentation, landmarks and consumer-to-shop retrieval.

`Predictor`, `Garment` and `__version__` are looked up when they are first asked for: `import matchrcnn` loads no torch.
"""

import logging
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matchrcnn.inference.photos.garment import Garment
    from matchrcnn.inference.predictor import Predictor

    __version__: str

__all__ = ["Garment", "Predictor", "__version__"]

# detectron2 is older than these notices of torch: they speak to nobody who could act on them, in every process.
warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=FutureWarning)
warnings.filterwarnings("ignore", message=r".*torch\.meshgrid.*", category=UserWarning)
logging.getLogger("torch.fx._symbolic_trace").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=r".*torch\.cuda\.amp.*", category=FutureWarning)


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the package offers)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        return _version()
    from matchrcnn.inference.photos.garment import Garment
    from matchrcnn.inference.predictor import Predictor

    return {"Garment": Garment, "Predictor": Predictor}[name]


def _version() -> str:
    """Return the version of the installed package; a source tree that was never installed has none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("matchrcnn")
    except PackageNotFoundError:
        return "0+unknown"
