"""The presets for the released data, taken through the whole of `dvc repro` on a data set that lies elsewhere.

Only sizes are overridden: small images, few RoIs, narrow heads and a fraction of an epoch, on one CPU process. The data
set is in DeepFashion2's layout, the initial weights are a file in the form of detectron2's R-50.pkl.
"""

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from mlflow import MlflowClient

from matchrcnn.config import Params, SampleParams, load_params
from matchrcnn.data.sample import write_sample
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.pretrained import BACKBONE
from tests.pipeline.conftest import ROOT, Project, fresh_project

pytestmark = pytest.mark.slow

PRESETS = sorted(path.stem for path in (ROOT / "pipelines").glob("*.yaml") if path.stem != "sample")
SIZES = {
    "model": {"shorter_edge": 64, "longer_edge": 96, "proposals_before_nms": [50, 50],
              "proposals_after_nms": [20, 20], "rois_per_image": 8, "box_fc": 32,
              "fpn_channels": 32, "mask_channels": 16, "landmark_channels": 16},
    "training": {"epochs_1x": 0.1, "drops_1x": [0.05], "log_every": 1, "validation_images": 2},
    "retrieval": {"widths": [16, 16, 16, 32], "embedding": 16},
    "evaluation": {"bootstrap": {"resamples": 20, "level": 0.95, "seed": 0}},
    "hardware": {"device": "cpu", "processes": 1, "loader_workers": 0},
    "report": {"gallery_images": 3},
    "check": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in DeepFashion2's layout, outside any project, that does not say that it is a sample."""
    root = tmp_path_factory.mktemp("elsewhere") / "deep fashion 2"
    write_sample(root, SampleParams(seed=5, train_images=24, validation_images=16), workers=1)
    (root / "README.txt").unlink()
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-50 under detectron2's names, its residual branches weak, so that frozen norms do not let it explode."""
    path = tmp_path_factory.mktemp("weights") / "R-50.pkl"
    model = build_model(load_params(ROOT / "pipelines/paper.yaml").run("detection"), torch.device("cpu"))
    own = {
        name.removeprefix(BACKBONE): value for name, value in model.state_dict().items() if name.startswith(BACKBONE)
    }
    arrays = {
        name: (0.1 * value if name.endswith("conv3.norm.weight") else value).numpy() for name, value in own.items()
    }
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "test"}))
    return path


def use(project: Project, preset: str, data_set: Path, weights: Path) -> Params:
    """Choose a preset as the README says, then name data and weights and make everything small."""
    project.ask("python", "-m", "tools.preset", preset)
    values = project.params()
    for section, sizes in SIZES.items():
        values[section] = {**values[section], **sizes} if sizes else {}
    values["data"]["root"] = str(data_set)
    values["model"]["initial_weights"] = str(weights)
    project.set_params(values)
    return Params.model_validate(values)


def listing(folder: Path) -> dict[str, int]:
    """Files below a folder with the times of their last change."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module", params=PRESETS)
def road(
    request: pytest.FixtureRequest,
    data_set: Path,
    weights: Path,
    finished: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Project, Params, list[str], list[str], Path]]:
    """A preset's project after `dvc repro`: fresh or where the demo ran; the stages that ran."""
    folder = tmp_path_factory.mktemp(request.param) / "match rcnn"
    if request.param == "paper":
        project = fresh_project(folder)
    else:
        shutil.copytree(finished, folder, symlinks=True)
        project = Project(folder)
    params = use(project, request.param, data_set, weights)
    before = listing(data_set)
    dry = project.ran(project.run("dvc", "repro", "--dry").stdout)
    ran = project.repro()
    assert listing(data_set) == before
    yield project, params, dry, ran, folder
    shutil.rmtree(folder)


@pytest.mark.documents("README.md", "dvc repro --dry")
def test_every_stage_runs_but_the_drawing_of_sample_data(road: tuple) -> None:
    _, params, dry, ran, _ = road
    expected = {"convert@train", "convert@validation", "initial", "settings", "report", "check"}
    expected |= {f"{stage}@{run}" for stage in ("train", "predict", "evaluate") for run in params.runs}
    assert set(ran) == expected
    # DVC's --dry ends with an error at the first stage that reads what no stage has made yet.
    assert {"convert@train", "convert@validation", "initial"} <= set(dry) <= expected


def test_what_the_demo_left_stays(road: tuple) -> None:
    _, params, _, _, folder = road
    assert (folder / "data/sample/train/annos").is_dir() == (params.preset != "paper")


def test_every_run_has_numbers_a_row_and_a_run_in_mlflow(road: tuple) -> None:
    _, params, _, _, folder = road
    table = (folder / "reports/benchmarks.md").read_text()
    for run in params.runs:
        assert (folder / "reports" / run / "metrics.json").is_file()
        assert f"**{run} (" in table
    assert (folder / "reports/index.html").is_file()
    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    found = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    own = [run.data.tags["run"] for run in found if run.data.tags["preset"] == params.preset]
    assert sorted(own) == sorted(params.runs)


def test_nothing_is_left_to_do(road: tuple) -> None:
    project = road[0]
    assert project.repro() == []


def test_the_weights_come_from_the_file(road: tuple) -> None:
    _, params, _, _, folder = road
    config = yaml.safe_load((folder / "models/detection/config.yaml").read_text())
    assert config["model"]["initial_weights"]["file"].endswith("R-50.pkl")
    assert params.model.backbone == config["model"]["backbone"] == "resnet50_fpn"
