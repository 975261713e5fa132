from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from matchrcnn.config import Params, RetrievalParams, RunConfig
from matchrcnn.modeling.build import build_model, save_model

SMALL = {"shorter_edge": 64, "longer_edge": 104, "proposals_after_nms": (20, 8), "landmark_convs": 1}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, sample_preset: Params) -> Path:
    """A folder of runs, one a task; their weights are drawn, not learned, and they see garments everywhere."""
    folder = tmp_path_factory.mktemp("photo") / "models"
    for task in ("detection", "segmentation", "landmarks", "retrieval"):
        write_run(folder / task, sample_preset, task)
    return folder


@pytest.fixture(scope="session")
def make_run(sample_preset: Params) -> Callable[..., Path]:
    """Writes a run of a task to a folder; keywords differ in `model`, and `retrieval` is a section of its own."""

    def make(folder: Path, task: str, retrieval: RetrievalParams | None = None, **model: object) -> Path:
        write_run(folder, sample_preset, task, retrieval, **model)
        return folder

    return make


def write_run(
    folder: Path, preset: Params, task: str, retrieval: RetrievalParams | None = None, **model: object
) -> None:
    values = preset.model_dump()
    values["model"] |= SMALL | model
    values["inference"] |= {"score_threshold": 0.07, "detections_per_image": 5}
    values["runs"] = {folder.name: {"task": task, "schedule": "1x", "init_from": "initial"}}
    run = Params.model_validate(values | {"check": {}}).run(folder.name)
    if task == "retrieval":
        retrieval = retrieval or RetrievalParams(widths=(4, 4, 4, 8), embedding=16)
        run = run.model_copy(
            update={"retrieval": retrieval, "init_from": "landmarks" if retrieval.freeze else "initial"}
        )
    save_model(build_model(run, torch.device("cpu")), run, folder)


@pytest.fixture(scope="session")
def photo(tiny_root: Path) -> Path:
    """A picture of the tiny data set."""
    return sorted((tiny_root / "validation" / "image").iterdir())[0]


@pytest.fixture(scope="session")
def retrieval_run(tmp_path_factory: pytest.TempPathFactory, sample_preset: Params) -> Path:
    """The folder of a tiny retrieval run; its weights are drawn, not learned, and it sees a garment everywhere."""
    values = sample_preset.model_dump()
    values["model"] |= {"shorter_edge": 64, "longer_edge": 104, "proposals_after_nms": (20, 8)}
    values["inference"] |= {"score_threshold": 0.0, "detections_per_image": 5}
    values["runs"], values["check"] = {"tiny": {"task": "retrieval", "schedule": "1x", "init_from": "initial"}}, {}
    retrieval = RetrievalParams(widths=(4, 4, 4, 8), embedding=16)
    run: RunConfig = Params.model_validate(values).run("tiny").model_copy(update={"retrieval": retrieval})
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model = build_model(run, torch.device("cpu"))
    save_model(model, run, folder)
    return folder
