"""Where a run comes from, as MLflow shows it: its preset, DVC's stage and experiment, and who trained it."""

import getpass
import os

from matchrcnn.config import RunConfig, RunParams, load_params
from matchrcnn.project import Run


def preset_run(run: Run) -> RunConfig | None:
    """Return a run as its preset has it; a run that the preset lacks, as the preset's shared sections make it."""
    params = run.project.params
    path = run.project.preset(params.preset)
    if not path.is_file():
        return None
    preset, own = load_params(path), run.params
    bare = RunParams(task=own.task, schedule=own.schedule, init_from=own.init_from)
    known = run.name in preset.runs
    return (preset if known else preset.model_copy(update={"runs": {run.name: bare}})).run(run.name)


def origin_tags(run: Run) -> dict[str, str]:
    """Return MLflow's tags of a run that only DVC, params.yaml and this machine know."""
    stage, experiment = f"train@{run.name}", os.environ.get("DVC_EXP_NAME")
    tags = {"run": run.name, "preset": run.project.params.preset, "dvc.stage": stage}
    tags |= {"mlflow.source.name": stage, "mlflow.source.type": "LOCAL", "mlflow.user": _user()}
    return tags | ({"dvc.experiment": experiment} if experiment else {})


def training_tags(commit: str, hardware: str) -> dict[str, str]:
    """Return MLflow's tags of a training: the commit of its code, and what it ran on."""
    return {"mlflow.source.git.commit": commit, "hardware": hardware}


def _user() -> str:
    """Who runs the pipeline; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
