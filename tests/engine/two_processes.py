"""Trainings in one process or in two, and what they end with."""

import pickle
from pathlib import Path

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.data.split import Split
from matchrcnn.engine.checkpoints import Checkpoints
from matchrcnn.engine.distributed import is_first, launch
from matchrcnn.engine.train import train

Runs = dict[str, RunConfig]


def take_part(runs: Runs, splits: dict[str, Split], folder: Path, hardware: HardwareParams) -> None:
    """Be one process of some trainings; the first writes their curves and weights into the folder."""
    for name, run in runs.items():
        checkpoints = Checkpoints(folder / name, {"run": name}) if is_first() else None
        trained = train(run, splits["train"], splits["validation"], checkpoints, hardware)
        if is_first():
            weights = {key: value.numpy() for key, value in trained.model.state_dict().items()}
            (folder / f"{name}.pickle").write_bytes(pickle.dumps((trained.curves.rows, weights)))


def trained(runs: Runs, splits: dict[str, Split], folder: Path, processes: int) -> dict[str, tuple[dict, dict]]:
    """Rows of the curves and weights of trainings on so many processes."""
    folder.mkdir()
    hardware = HardwareParams(device="cpu", loader_workers=0, processes=processes)
    launch(take_part, hardware, runs, splits, folder, hardware)
    return {name: pickle.loads((folder / f"{name}.pickle").read_bytes()) for name in runs}
