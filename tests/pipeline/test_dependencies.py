"""A change reruns what it changes and nothing else, as DVC itself sees it; nothing is trained for it.

Outputs of all stages are stand-ins that DVC takes for finished ones; then a parameter changes, `settings` runs, and
`dvc status` names what would run next. Their results would tell DVC about the stages after them.
"""

import copy
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import Project, fresh_project

pytestmark = pytest.mark.slow

Change = Callable[[dict], None]


def outputs(folder: Path, values: dict) -> Iterator[str]:
    """What the stages of dvc.yaml write, but for the settings, which are written for real."""
    for name, stage in yaml.safe_load((folder / "dvc.yaml").read_text())["stages"].items():
        keys = {"${runs}": list(values["runs"])}.get(str(stage.get("foreach")), stage.get("foreach", [""]))
        entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get("do", stage).get(kind, [])]
        for key in keys if name != "settings" else []:
            for entry in entries:
                path = next(iter(entry)) if isinstance(entry, dict) else entry
                yield re.sub(r"\$\{(key|item)\}", key, path)


def stand_ins(project: Project, values: dict) -> None:
    """Files in place of all that the pipeline makes."""
    pictures = [f"data/sample/{split}/image/000001.jpg" for split in ("train", "validation")]
    for path in [*pictures, *outputs(project.folder, values)]:
        file = project.folder / path
        file = file if file.suffix else file / "model.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


@pytest.fixture(scope="module")
def finished_stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of which DVC says that everything is up to date."""
    project = fresh_project(tmp_path_factory.mktemp("stand-ins") / "match rcnn")
    shutil.copy(project.folder / "pipelines/sample.yaml", project.folder / "params.yaml")
    stand_ins(project, project.params())
    project.ask("python", "-m", "stages.settings")
    project.ask("dvc", "commit", "--force", "--quiet")
    assert outdated(project) == set()
    return project


@pytest.fixture(scope="module")
def stages(finished_stand_ins: Project) -> list[str]:
    """Names of the stages of dvc.yaml."""
    return finished_stand_ins.ask("dvc", "stage", "list", "--name-only").split()


def outdated(project: Project) -> set[str]:
    """Stages that DVC would run as things are."""
    project.ask("dvc", "repro", "--single-item", "settings")
    return {name.rpartition(":")[2] for name in json.loads(project.ask("dvc", "status", "--json"))}


def set_inference(values: dict) -> None:
    values["runs"]["detection"]["inference"] = {"score_threshold": 0.1}


def set_rate(values: dict) -> None:
    values["runs"]["retrieval_mask"]["training"]["base_lr"] = 0.001


def set_task(values: dict) -> None:
    values["runs"]["detection"]["schedule"] = "1x"


def set_shared_inference(values: dict) -> None:
    values["inference"]["nms_threshold"] = 0.4


def set_match_network(values: dict) -> None:
    values["retrieval"]["embedding"] = 64


def set_threads(values: dict) -> None:
    values["hardware"]["threads"] = 2


def set_loader(values: dict) -> None:
    values["hardware"]["loader_workers"] = 3


def set_name(values: dict) -> None:
    values["data"]["name"] = "Street"


def set_threshold(values: dict) -> None:
    values["check"]["detection"] = {"box/overall/AP": 0.1}


def set_bootstrap(values: dict) -> None:
    values["evaluation"]["bootstrap"]["resamples"] = 10


def drop_threads(values: dict) -> None:
    del values["hardware"]["threads"]


TRAIN, PREDICT, EVALUATE = (r"train@.*", r"predict@.*", r"evaluate@.*")
READ_RUNS = r"report|check"
"""They show or check every run, and take seconds."""


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("reporting/titles.py", '"Clothes segmentation"', '"Outlines of clothes"', set()),
        ("tasks.py", '"""Scores by their key', '"""The scores by their key', set()),
        ("tasks.py", "learns=(MASKS,)", "learns=(MASKS, LANDMARKS)", {"train@segmentation", "predict@segmentation"}),
        (
            "tasks.py",
            'Variant("mask", MASKS)',
            'Variant("mask", BOXES)',
            {"train@retrieval_mask", "predict@retrieval_mask"},
        ),
    ],
)
def test_a_tables_title_trains_nothing_and_what_a_task_learns_its_runs(
    finished_stand_ins: Project, module: str, old: str, new: str, expected: set[str]
) -> None:
    tables = finished_stand_ins.folder / "matchrcnn" / module
    before = tables.read_text()
    assert before.count(old) == 1
    tables.write_text(before.replace(old, new))
    try:
        found = outdated(finished_stand_ins)
        assert {name for name in found if re.fullmatch(f"{TRAIN}|{PREDICT}|convert@.*|initial", name)} == expected
    finally:
        tables.write_text(before)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_inference, f"predict@detection|{READ_RUNS}"),
        (set_rate, f"train@retrieval_mask|{READ_RUNS}"),
        (set_task, f"train@detection|{READ_RUNS}"),
        (set_shared_inference, PREDICT),
        (set_match_network, "train@retrieval_.*"),
        (set_threads, f"{TRAIN}|{PREDICT}"),
        (set_loader, "nothing"),
        (drop_threads, "nothing"),
        (set_name, "convert@.*|report"),
        (set_threshold, "check"),
        (set_bootstrap, EVALUATE),
    ],
)
def test_a_change_of_parameters_reruns_what_it_changes(
    finished_stand_ins: Project, stages: list[str], change: Change, expected: str
) -> None:
    before = finished_stand_ins.params()
    after = copy.deepcopy(before)
    change(after)
    finished_stand_ins.set_params(after)
    try:
        assert outdated(finished_stand_ins) == {name for name in stages if re.fullmatch(expected, name)}
    finally:
        finished_stand_ins.set_params(before)
