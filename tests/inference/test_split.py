"""A run's results on a split: the files of its task, by the inference parameters that it is given."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from matchrcnn.config import HardwareParams, InferenceParams
from matchrcnn.data.split import Split
from matchrcnn.inference.split import predict_run
from matchrcnn.tasks import TASKS

CPU = HardwareParams(device="cpu", loader_workers=0)
LOW = InferenceParams(score_threshold=0.07, nms_threshold=0.5, detections_per_image=5, minibatch=8)
FEATURES = [f"{protocol}_{side}" for protocol in ("detected_box", "ground_truth_box") for side in ("shop", "user")]


@pytest.mark.parametrize(
    ("task", "files"),
    [
        ("detection", ["boxes.json"]),
        ("segmentation", ["boxes.json", "masks.json"]),
        ("landmarks", ["boxes.json", "landmarks.json"]),
        (
            "retrieval",
            [
                "boxes.json",
                *(f"{name}.safetensors" for name in FEATURES),
                "retrieval.json",
                "retrieval_ground_truth_box.json",
            ],
        ),
    ],
)
def test_a_run_writes_the_result_files_of_its_task(
    task: str, files: list[str], models: Path, tiny_splits: dict[str, Split], tmp_path: Path
) -> None:
    predict_run(models / task, tiny_splits["validation"], tmp_path, LOW, CPU)
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert {f"{file}.json" for stream in TASKS[task].predicts for file in stream.files} <= set(files)
    boxes = json.loads((tmp_path / "boxes.json").read_text())
    assert boxes
    if task == "retrieval":
        detected = [load_file(tmp_path / f"detected_box_{side}.safetensors") for side in ("user", "shop")]
        assert sum(len(side["scores"]) for side in detected) == len(boxes)
        items = json.loads(tiny_splits["validation"].annotations.read_text())["annotations"]
        given = [load_file(tmp_path / f"ground_truth_box_{side}.safetensors") for side in ("user", "shop")]
        assert sum(len(side["scores"]) for side in given) == len(items)
        assert len(json.loads((tmp_path / "retrieval.json").read_text())) == len(detected[0]["scores"])


def test_prediction_takes_the_inference_parameters_that_it_is_given(
    models: Path, tiny_splits: dict[str, Split], tmp_path: Path
) -> None:
    """Those of models/RUN/config.yaml are of the day of the training."""
    one = LOW.model_copy(update={"detections_per_image": 1})
    predict_run(models / "detection", tiny_splits["validation"], tmp_path, one, CPU)
    images = [box["image_id"] for box in json.loads((tmp_path / "boxes.json").read_text())]
    assert len(images) == len(set(images)) > 0
