import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import pytest
import torch
from PIL import Image

from matchrcnn import Predictor
from matchrcnn.data.mapper import Mapper
from matchrcnn.errors import UserError
from matchrcnn.inference.network import Network
from matchrcnn.inference.split import official_results
from matchrcnn.tasks import BOXES, TASKS

LOW = 0.07


def officially(folder: Path, photo: Path) -> dict[str, list[dict[str, Any]]]:
    """What the predict stage writes of a picture, and of the other streams that the run has learned."""
    network = Network.load(folder, "cpu")
    streams = [BOXES, *TASKS[network.run.task].learns]
    with Image.open(photo) as image:
        entry = {"file_name": str(photo), "image_id": 1, "width": image.width, "height": image.height}
    mapped = Mapper(network.run.model, flip=False, masks=False, landmarks=False)(entry)
    found = network.detect([mapped])[0]
    results = official_results(1, found.instances, [stream for stream in streams if stream.payload])
    return {stream.name: entries for stream, entries in results.items()}


@pytest.mark.parametrize("task", ["detection", "segmentation", "landmarks", "retrieval"])
def test_a_run_sees_in_a_photo_what_the_predict_stage_sees(task: str, models: Path, photo: Path) -> None:
    expected = officially(models / task, photo)
    garments = Predictor.load(models / task, device="cpu", min_score=LOW)(photo)
    assert len(garments) == len(expected["boxes"]) > 0
    for place, garment in enumerate(garments):
        box = expected["boxes"][place]
        x1, y1, x2, y2 = garment.box
        assert (garment.category_id, garment.score) == (box["category_id"], box["score"])
        assert [x1, y1, x2 - x1, y2 - y1] == box["bbox"]
        assert (garment.rle is None) == (task in ("detection", "landmarks"))
        if garment.rle is not None:
            assert garment.rle == expected["masks"][place]["segmentation"]
            assert garment.mask.sum() == pycocotools.mask.area(garment.rle)
        assert (garment.landmarks is None) == (task in ("detection", "segmentation"))
        if garment.landmarks is not None:
            points = np.reshape(expected["landmarks"][place]["keypoints"], (-1, 3))
            np.testing.assert_allclose(garment.landmarks, points, atol=2e-3)


def test_a_second_run_adds_its_streams_to_the_boxes_of_the_first(models: Path, photo: Path) -> None:
    boxes = Predictor.load(models / "detection", device="cpu", min_score=LOW)(photo)
    runs = [models / name for name in ("detection", "segmentation", "landmarks", "retrieval")]
    predictor = Predictor.load(*runs, device="cpu", min_score=LOW)
    together = predictor(photo)
    assert [each.box for each in together] == [each.box for each in boxes]
    assert [each.score for each in together] == [each.score for each in boxes]
    assert all(each.mask is not None and each.landmarks is not None for each in together)
    pair = Predictor.load(*runs[:2], device="cpu", min_score=LOW)(photo)
    assert [each.rle for each in pair] == [each.rle for each in together]
    assert [network.folder.name for network in predictor.networks] == [run.name for run in runs[:3]]


def test_a_run_with_nothing_to_add_is_not_computed(models: Path) -> None:
    predictor = Predictor.load(models / "retrieval", models / "segmentation", models / "landmarks", device="cpu")
    assert [network.folder.name for network in predictor.networks] == ["retrieval"]


def test_boxes_are_given_to_a_run_in_the_pixels_of_its_own_input(
    models: Path, photo: Path, make_run: Callable[..., Path], tmp_path: Path
) -> None:
    """A run that sees the photo at twice the size has its landmarks within the boxes found at the other size."""
    large = make_run(tmp_path / "landmarks", "landmarks", shorter_edge=128, longer_edge=208)
    for garment in Predictor.load(models / "detection", large, device="cpu", min_score=LOW)(photo):
        x1, y1, x2, y2 = garment.box
        x, y = garment.landmarks[:, :2].T
        assert ((x1 - 2 <= x) & (x <= x2 + 2) & (y1 - 2 <= y) & (y <= y2 + 2)).all()


def test_path_image_and_array_are_the_same_picture(models: Path, photo: Path) -> None:
    predictor = Predictor.load(models / "segmentation", device="cpu", min_score=LOW)
    with Image.open(photo) as file:
        image = file.convert("RGB")
    found = [predictor(each) for each in (photo, str(photo), image, np.asarray(image))]
    for garments in found[1:]:
        assert [(g.box, g.score, g.rle) for g in garments] == [(g.box, g.score, g.rle) for g in found[0]]


def test_a_table_has_a_row_a_garment(models: Path, photo: Path) -> None:
    predictor = Predictor.load(models / "retrieval", device="cpu", min_score=LOW)
    table = predictor.table([photo, np.zeros((40, 30, 3), np.uint8)])
    garments = predictor(photo)
    mine = table[table.picture == str(photo)]
    assert mine[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [list(garment.box) for garment in garments]
    assert mine["mask"].tolist() == [garment.rle["counts"] for garment in garments]
    assert [len(points) for points in mine["landmarks"]] == [len(garment.landmarks) for garment in garments]
    assert set(table.picture) <= {str(photo), "1"}


def test_what_is_found_in_a_photo_does_not_depend_on_its_company(models: Path, photo: Path) -> None:
    predictor = Predictor.load(models / "segmentation", device="cpu", min_score=LOW)
    company = [np.zeros((40, 90, 3), np.uint8), photo, np.zeros((90, 40, 3), np.uint8), np.zeros((9, 9), np.uint16)]
    alone, together = predictor(photo), list(predictor.batches(company))
    assert len(together) == 4
    assert [(each.box, each.score, each.rle) for each in together[1]] == [(g.box, g.score, g.rle) for g in alone]


def test_garments_survive_pickling(models: Path, photo: Path) -> None:
    garment = Predictor.load(models / "retrieval", device="cpu", min_score=LOW)(photo)[0]
    again = pickle.loads(pickle.dumps(garment))
    assert (again.box, again.rle, again.category) == (garment.box, garment.rle, garment.category)


def test_wrong_runs_and_devices_are_told(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent: no model\.safetensors; give the folder of a trained run"):
        Predictor.load(tmp_path / "absent", device="cpu")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="torch sees no GPU"):
            Predictor.load(models / "detection", device="cuda")


def test_a_stream_that_no_run_can_show_is_refused(models: Path) -> None:
    """It was passed over, and garments without masks came back."""
    with pytest.raises(UserError, match=r"streams: 'mask' is none of masks, landmarks"):
        Predictor.load(models / "segmentation", device="cpu", streams=["mask"])


def test_the_package_alone_loads_no_torch() -> None:
    told = "import sys, matchrcnn; print('torch' in sys.modules, matchrcnn.__all__)"
    asked = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    assert asked.stdout == "False ['Garment', 'Predictor', '__version__']\n"
