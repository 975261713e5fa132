"""One pass of a trained retrieval run over images: a feature for every detection and for every ground-truth box."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from detectron2.structures import Instances

from matchrcnn.config import InferenceParams, RunConfig
from matchrcnn.data.records import DatasetEntry, without_annotations
from matchrcnn.errors import UserError
from matchrcnn.modeling.build import load_model
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.modeling.match_rcnn import MatchRCNN
from matchrcnn.retrieval.features import Features

Entry = dict[str, Any]


class Embedded(NamedTuple):
    """An image's detections and ground-truth boxes; `instances` is what the model found, on the CPU."""

    image_id: int
    instances: Instances
    detected_box: Features
    ground_truth_box: Features


def load_retrieval_model(
    folder: Path, device: torch.device, inference: InferenceParams | None = None
) -> tuple[MatchRCNN, RunConfig]:
    """A trained run of task retrieval, ready for inference.

    Raises:
        UserError: the folder holds no trained run, or one of another task.
    """
    make_deterministic()
    model, run = load_model(folder, device, inference)
    if not isinstance(model, MatchRCNN):
        raise UserError(f"{folder}: its task is {run.task}; give the folder of a run whose task is retrieval")
    return model, run


def with_given_boxes(entry: DatasetEntry) -> DatasetEntry:
    """A dataset dict of `load_split` whose items are asked for as given boxes, and are no annotations any more."""
    items = entry["annotations"]
    boxes = np.array([item["bbox"] for item in items], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    categories = np.array([item["category_id"] + 1 for item in items], np.int64)
    return {**without_annotations(entry), "given_boxes": boxes, "given_categories": categories}


def embed_batches(model: MatchRCNN, batches: Iterable[list[Entry]]) -> Iterator[Embedded]:
    """Embed images whose entries went through `with_given_boxes` (or have no given boxes) and the mapper."""
    with boxes_only(model), torch.no_grad():
        for batch in batches:
            for entry, output in zip(batch, model(batch), strict=True):
                given = output.get("given_embeddings", torch.zeros(0, model.match_network.embedding))
                instances = output["instances"].to("cpu")
                yield Embedded(entry["image_id"], instances, detections(entry, instances), _given(entry, given))


def detections(entry: Entry, instances: Instances) -> Features:
    """Detections with embeddings as columns."""
    return Features(
        image_ids=np.full(len(instances), entry["image_id"], np.int64),
        boxes=instances.pred_boxes.tensor.numpy(),
        categories=instances.pred_classes.numpy().astype(np.int64) + 1,
        scores=instances.scores.numpy(),
        vectors=instances.pred_embeddings.numpy(),
    )


def rank_weights(model: MatchRCNN) -> np.ndarray:
    """Weights of the ranking score, (embedding,) float32."""
    return model.match_network.similarity.rank_weights().cpu().numpy()


def _given(entry: Entry, embeddings: torch.Tensor) -> Features:
    boxes = entry.get("given_boxes", np.zeros((0, 4), np.float32))
    return Features(
        image_ids=np.full(len(boxes), entry["image_id"], np.int64),
        boxes=boxes,
        categories=entry.get("given_categories", np.zeros(0, np.int64)),
        scores=np.ones(len(boxes), np.float32),
        vectors=embeddings.cpu().numpy(),
    )


@contextmanager
def boxes_only(model: MatchRCNN) -> Iterator[None]:
    """Retrieval needs no masks and landmarks of the detections: these streams rest."""
    heads = model.roi_heads
    before = heads.mask_on, heads.keypoint_on
    heads.mask_on = heads.keypoint_on = False
    try:
        yield
    finally:
        heads.mask_on, heads.keypoint_on = before
