"""Compare an ONNX file with the run that it was made from, on pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from detectron2.structures import Instances
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile

from matchrcnn.errors import UserError
from matchrcnn.inference.network import Network
from matchrcnn.inference.onnx.export import CLASSES, SCORES
from matchrcnn.inference.photos.inputs import model_input
from matchrcnn.inference.photos.reading import Photo
from matchrcnn.modeling.landmark_decoding import decode_heatmaps
from matchrcnn.tasks import BOXES, EMBEDDINGS, LANDMARKS, MASKS
from matchrcnn.taxonomy import CATEGORIES

Outputs = dict[str, np.ndarray]
"""Arrays of an ONNX model by name; docs/export.md lists their shapes."""

SCORE, PIXELS, OVERLAP, EMBEDDING = 1e-4, 0.05, 0.99, 1e-3
"""Tolerances: scores, boxes in pixels of the input, IoU of masks, embeddings relative to their length."""

LANDMARKS_NEAR = 0.99
"""Share of landmarks that must be within a pixel: of two peaks as high as each other either may be the highest."""


@dataclass(frozen=True)
class Difference:
    """The largest differences over some pictures.

    Attributes:
        pictures: compared.
        garments: compared.
        unlike: pictures in which number or categories of the garments differ.
        score, box: largest absolute difference, box in pixels of the network's input.
        mask: smallest IoU; 1 without masks.
        landmarks: share of landmarks within a pixel of the input; 1 without landmarks.
        embedding: largest distance of two embeddings over the length of the run's; 0 without embeddings.
    """

    pictures: int
    garments: int
    unlike: int
    score: float
    box: float
    mask: float
    landmarks: float
    embedding: float

    @property
    def same(self) -> bool:
        """Whether all differences are within the tolerances."""
        near = self.score <= SCORE and self.box <= PIXELS and self.mask >= OVERLAP
        return not self.unlike and near and self.landmarks >= LANDMARKS_NEAR and self.embedding <= EMBEDDING


class OnnxModel:
    """An exported run in onnxruntime, on one CPU thread."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except (NoSuchFile, InvalidProtobuf, InvalidGraph, Fail) as error:
            raise UserError(f"{path}: not an ONNX model that can be run ({error})") from None

    def __call__(self, image: np.ndarray) -> Outputs:
        """Return the outputs by name for an image, (3, H, W), 0..255."""
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, {"image": image.astype(np.float32)}), strict=True))


def compare(folder: Path, path: Path, photos: Sequence[Photo], min_score: float | None = None) -> Difference:
    """Run a trained run and its ONNX file on photos.

    Args:
        folder: the run.
        path: what `export_onnx` wrote of it.
        photos: to compare on.
        min_score: that the file was exported with; None: as the run has it.

    Raises:
        UserError: the folder holds no trained run, or the file no ONNX model.
    """
    network, model = Network.load(folder, "cpu", min_score=min_score), OnnxModel(path)
    pairs = []
    for photo in photos:
        entry = model_input(photo, network.run.model)
        pairs.append((network.find([entry])[0], model(entry["image"].numpy())))
    like = [(one, other) for one, other in pairs if _alike(one, other)]
    return Difference(
        pictures=len(pairs),
        garments=sum(len(one) for one, _ in like),
        unlike=len(pairs) - len(like),
        score=max((_largest(one.scores.numpy() - other[SCORES]) for one, other in like), default=0.0),
        box=max((_largest(one.pred_boxes.tensor.numpy() - other[BOXES.onnx]) for one, other in like), default=0.0),
        mask=min((_mask_overlap(*pair) for pair in like), default=1.0),
        landmarks=_near_landmarks(like),
        embedding=max((_embedding_distance(*pair) for pair in like), default=0.0),
    )


def _alike(one: Instances, other: Outputs) -> bool:
    return np.array_equal(one.pred_classes.numpy(), other[CLASSES])


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max(initial=0))


def _mask_overlap(one: Instances, other: Outputs) -> float:
    if MASKS.onnx not in other or not len(one):
        return 1.0
    ours, theirs = one.pred_masks[:, 0].numpy() >= 0.5, other[MASKS.onnx] >= 0.5
    union = (ours | theirs).sum((1, 2))
    return float((((ours & theirs).sum((1, 2)) + (union == 0)) / np.maximum(union, 1)).min())


def _near_landmarks(pairs: Sequence[tuple[Instances, Outputs]]) -> float:
    near = []
    for one, other in pairs:
        if LANDMARKS.onnx in other and len(one):
            points = decode_heatmaps(torch.from_numpy(other[LANDMARKS.onnx]), torch.from_numpy(other[BOXES.onnx]))
            distance = (points - one.pred_keypoints)[:, :, :2].norm(dim=2)
            for label, row in zip(one.pred_classes.tolist(), distance, strict=True):
                near += (row[: CATEGORIES[label].count] <= 1).tolist()
    return float(np.mean(near)) if near else 1.0


def _embedding_distance(one: Instances, other: Outputs) -> float:
    if EMBEDDINGS.onnx not in other or not len(one):
        return 0.0
    ours = one.pred_embeddings.numpy()
    return float((np.linalg.norm(ours - other[EMBEDDINGS.onnx], axis=1) / np.linalg.norm(ours, axis=1)).max())
