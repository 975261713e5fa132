"""Projects with results to show, and their galleries."""

from pathlib import Path

import yaml

from matchrcnn.config import Params
from matchrcnn.project import Project
from matchrcnn.tasks import TASKS
from tests.support import contract_files

PRESET = Path(__file__).parents[2] / "pipelines/sample.yaml"


def write_project(folder: Path, images: int, runs: dict[str, str], seed: int = 0) -> Project:
    """Write a small project whose pictures are where its parameters say; runs are {name: task}."""
    made = contract_files.write_pipeline(folder, images=images, runs=runs)
    project = Project(folder, _params(runs, seed))
    project.images("validation").parent.mkdir(parents=True)
    made.rename(project.images("validation"))
    return project


def _params(runs: dict[str, str], seed: int) -> Params:
    entries = {}
    for name, task in runs.items():
        entries[name] = {"task": task, "schedule": "1x", "init_from": "initial"}
        if TASKS[task].from_pairs:
            entries[name]["retrieval"] = {"variant": "class"}
    raw = yaml.safe_load(PRESET.read_text()) | {"runs": entries, "check": {}, "seed": seed}
    return Params.model_validate(raw)
