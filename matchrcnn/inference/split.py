"""Run a trained model over a split and write official result files."""

from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import torch
from detectron2.structures import Instances
from torch import nn
from tqdm import tqdm

from matchrcnn.config import HardwareParams, InferenceParams, RunConfig
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import without_annotations
from matchrcnn.data.split import Split, load_split
from matchrcnn.files import write_json
from matchrcnn.modeling.build import load_model, pick_device
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.taxonomy import CATEGORIES

Results = dict[str, list[dict[str, Any]]]
"""Stream (boxes, masks, landmarks) -> entries in the official result format."""


def predict_split(
    folder: Path, split: Split, output: Path, inference: InferenceParams, hardware: HardwareParams
) -> None:
    """Write the results of a trained run on every image of a split, one file a stream.

    Args:
        folder: the trained run, `models/RUN`.
        split: the images; annotations are not used but for the images' names.
        output: folder for boxes.json and, where the run has the stream, masks.json and landmarks.json.
        inference: what counts as a detection.
        hardware: device, threads and loader workers.
    """
    make_deterministic(hardware.threads)
    model, run = load_model(folder, pick_device(hardware.device), inference)
    entries = [without_annotations(entry) for entry in load_split(split)]
    results: Results = {stream: [] for stream in streams(run)}
    mapper = Mapper(run.model, flip=False, masks=False, landmarks=False)
    loader = inference_loader(entries, mapper, run.inference.minibatch, hardware.loader_workers)
    with tqdm(total=len(entries), desc=f"predict {run.name}", unit="image", mininterval=1) as bar:
        for batch in loader:
            for entry, instances in zip(batch, detect(model, batch), strict=True):
                for stream, found in official_results(entry["image_id"], instances).items():
                    results[stream].extend(found)
            bar.update(len(batch))
    for stream, found in results.items():
        write_json(output / f"{stream}.json", found)


def streams(run: RunConfig) -> list[str]:
    """What a run predicts."""
    extra = {"detection": [], "segmentation": ["masks"], "landmarks": ["landmarks"], "retrieval": []}
    return ["boxes", *extra[run.task]]


def detect(model: nn.Module, batch: list[dict[str, Any]]) -> list[Instances]:
    """Detections of a batch in the coordinates of the pictures as stored, on the CPU."""
    with torch.no_grad():
        return [output["instances"].to("cpu") for output in model(batch)]


def official_results(image_id: int, instances: Instances) -> Results:
    """One image's detections in the official formats: xywh boxes in pixels, masks as RLE, landmarks of the category."""
    shared = [
        {"image_id": image_id, "category_id": int(label) + 1, "score": float(score)}
        for label, score in zip(instances.pred_classes, instances.scores, strict=True)
    ]
    results: Results = {"boxes": [entry | {"bbox": box} for entry, box in zip(shared, _boxes(instances), strict=True)]}
    if instances.has("pred_masks"):
        masks = instances.pred_masks.numpy()
        results["masks"] = [entry | {"segmentation": _rle(mask)} for entry, mask in zip(shared, masks, strict=True)]
    if instances.has("pred_keypoints"):
        points = instances.pred_keypoints.numpy()
        own = [_own(entry, rows) for entry, rows in zip(shared, points, strict=True)]
        results["landmarks"] = [entry | {"keypoints": flat} for entry, flat in zip(shared, own, strict=True)]
    return results


def _boxes(instances: Instances) -> list[list[float]]:
    boxes = instances.pred_boxes.tensor.double().numpy()
    boxes[:, 2:] -= boxes[:, :2]
    return boxes.tolist()


def _rle(mask: np.ndarray) -> dict[str, Any]:
    rle = pycocotools.mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": rle["size"], "counts": rle["counts"].decode("ascii")}


def _own(entry: dict[str, Any], rows: np.ndarray) -> list[float]:
    """The category's own landmarks, flat x, y, score."""
    return rows[: CATEGORIES[entry["category_id"] - 1].count].astype(float).ravel().tolist()
