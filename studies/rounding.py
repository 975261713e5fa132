"""What rounding does to an untrained ResNet50: `python -m studies.rounding [PICTURE ...]`, by default of data/sample.

Programs that round differently find different boxes where a network magnifies the last bit, and nothing magnifies it
more than a network that has learned nothing. One row a picture and program (torch, torch without oneDNN, the ONNX
file): how far its boxes are from those of the same network in double precision.
"""

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from tabulate import tabulate
from torchvision.ops import boxes as torchvision_boxes

from matchrcnn.config import Params, load_params
from matchrcnn.data.records import ModelInput
from matchrcnn.inference.network import Network
from matchrcnn.inference.onnx.check import OnnxModel
from matchrcnn.inference.onnx.export import export_onnx
from matchrcnn.inference.photos.inputs import model_input
from matchrcnn.inference.photos.reading import read_photo
from matchrcnn.modeling.build import build_model, save_model
from matchrcnn.project import Project

EDGE = 256
HEADERS = ["picture", "program", "boxes", "in double", "median, px", "largest, px"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path)
    folder = Project().sample / "validation" / "image"
    pictures = parser.parse_args().pictures or sorted(folder.glob("*.jpg"))[:3]
    if not pictures:
        sys.exit(f"{folder}: holds no pictures; make them with `dvc repro sample`, or name some")
    with tempfile.TemporaryDirectory() as scratch:
        rows = list(measure(untrained(Path(scratch) / "detection"), pictures))
    print(tabulate(rows, HEADERS, tablefmt="github", floatfmt=".4f"))


def untrained(folder: Path) -> Path:
    """Write the run `detection` of the single_gpu preset with the weights that its seed draws, also as ONNX."""
    values = load_params(Project(Path(__file__).parents[1]).preset("single_gpu")).model_dump()
    values["model"] |= {"shorter_edge": EDGE, "longer_edge": 2 * EDGE}
    run = Params.model_validate(values).run("detection")
    save_model(build_model(run, torch.device("cpu")), run, folder)
    export_onnx(folder, folder / "model.onnx")
    return folder


def measure(folder: Path, pictures: Sequence[Path]) -> Iterator[tuple[str, str, int, int, float, float]]:
    """Rows of the table."""
    network, double = Network.load(folder, "cpu"), Network.load(folder, "cpu")
    double.model.double()
    onnx = OnnxModel(folder / "model.onnx")
    for path in pictures:
        entry = model_input(read_photo(path), network.run.model)
        found = {"torch": _boxes(network, entry)}
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=False):
            found["torch without oneDNN"] = _boxes(network, entry)
        found["ONNX"] = onnx(entry["image"].numpy())["boxes"]
        exact = _boxes_in_double(double, entry)
        for program, boxes in found.items():
            distance = np.abs(boxes[:, None] - exact).max(axis=2).min(axis=1)
            yield path.name, program, len(boxes), len(exact), float(np.median(distance)), float(distance.max())


def _boxes(network: Network, entry: ModelInput) -> np.ndarray:
    return network.find([entry])[0].pred_boxes.tensor.numpy()


def _boxes_in_double(network: Network, entry: ModelInput) -> np.ndarray:
    """As `_boxes`; detectron2 gives NMS boxes in single precision, which torchvision takes only with such scores."""
    nms = torchvision_boxes.nms
    with mock.patch.object(torchvision_boxes, "nms", lambda boxes, *more: nms(boxes.double(), *more)):
        return _boxes(network, {**entry, "image": entry["image"].double()})


if __name__ == "__main__":
    main()
