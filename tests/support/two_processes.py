"""Trainings in one process or in two, and what they end with."""

import multiprocessing
import pickle
from pathlib import Path

import torch
from detectron2.layers import batched_nms
from detectron2.modeling.proposal_generator import proposal_utils

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.data.split import Split
from matchrcnn.training.checkpoints import Checkpoints
from matchrcnn.training.distributed import is_first, launch
from matchrcnn.training.setup import set_up
from matchrcnn.training.train import train

Runs = dict[str, RunConfig]


def take_part(runs: Runs, splits: dict[str, Split], folder: Path, hardware: HardwareParams, double: bool) -> None:
    """Be one process of some trainings; the first writes their curves and weights into the folder."""
    if double:
        compute_in_float64()
    for name, run in runs.items():
        checkpoints = Checkpoints(folder / name, {"run": name}) if is_first() else None
        trained = train(set_up(run, splits["train"], splits["validation"]), hardware, checkpoints)
        if is_first():
            weights = {key: value.numpy() for key, value in trained.model.state_dict().items()}
            (folder / f"{name}.pickle").write_bytes(pickle.dumps((trained.curves.rows, weights)))


def compute_in_float64() -> None:
    """Make all that this process trains float64, except for boxes, which detectron2 keeps in float32."""
    torch.set_default_dtype(torch.float64)
    proposal_utils.batched_nms = lambda boxes, scores, *rest: batched_nms(boxes, scores.to(boxes.dtype), *rest)


def trained(
    runs: Runs, splits: dict[str, Split], folder: Path, processes: int, double: bool
) -> dict[str, tuple[dict, dict]]:
    """Rows of the curves and weights of trainings on so many processes."""
    folder.mkdir()
    hardware = HardwareParams(device="cpu", loader_workers=0, processes=processes)
    # a single process is another one as well: what it computes in is its own
    context = multiprocessing.get_context("spawn")
    if processes == 1:
        alone = context.Process(target=take_part, args=(runs, splits, folder, hardware, double))
        alone.start()
        alone.join()
    else:
        launch(take_part, hardware, runs, splits, folder, hardware, double)
    return {name: pickle.loads((folder / f"{name}.pickle").read_bytes()) for name in runs}
