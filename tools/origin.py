"""Where a run comes from, as MLflow shows it: preset, DVC's stage and experiment, the project's folder. No stage."""

import getpass
import os
from pathlib import Path

from matchrcnn.config import Params, RunConfig, RunParams, load_params
from stages import PRESETS


def preset_run(active: Params, name: str) -> RunConfig | None:
    """A run as its preset has it; for a run of one's own, what the preset's shared sections make of it."""
    path = PRESETS / f"{active.preset}.yaml"
    if not path.is_file():
        return None
    preset, own = load_params(path), active.runs[name]
    bare = RunParams(task=own.task, schedule=own.schedule, init_from=own.init_from)
    known = name in preset.runs
    return (preset if known else preset.model_copy(update={"runs": {name: bare}})).run(name)


def tracking_tags(active: Params, name: str) -> dict[str, str]:
    """What MLflow is told of a run that only DVC and params.yaml know."""
    experiment = os.environ.get("DVC_EXP_NAME")
    tags = {"run": name, "preset": active.preset, "dvc.stage": f"train@{name}"}
    tags |= {"mlflow.source.name": f"train@{name}", "mlflow.source.type": "LOCAL", "mlflow.user": _user()}
    return tags | ({"dvc.experiment": experiment} if experiment else {})


def _user() -> str:
    """Who runs the pipeline; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def home() -> Path:
    """The project's folder, also from the copy of it in which `dvc exp run --queue` or `--temp` runs."""
    here = Path().resolve()
    for folder in here.parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return here
