"""One trained run over photos: it finds garments, or adds what it knows to garments found by another run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.data.transforms import ResizeShortestEdge
from detectron2.modeling import GeneralizedRCNN
from detectron2.structures import Boxes, Instances
from PIL import Image

from matchrcnn.config import WEIGHTS, ModelParams
from matchrcnn.files import sha256
from matchrcnn.inference.embedding import boxes_only
from matchrcnn.inference.photos.reading import Photo
from matchrcnn.modeling.build import load_model
from matchrcnn.modeling.match_rcnn import MatchRCNN

Entry = dict[str, Any]


def network_input(photo: Photo, model: ModelParams) -> Entry:
    """A photo at the size that a network sees.

    Returns:
        `image`, (3, h, w) uint8 in the model's order of channels; `height` and `width` of the whole photo, to which the
        model brings what it finds.
    """
    pixels = np.asarray(photo.image.resize(_size(photo, model), Image.Resampling.BILINEAR))
    if model.pixel_format == "BGR":
        pixels = pixels[:, :, ::-1]
    image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    return {"image": image, "height": photo.size[1], "width": photo.size[0]}


def _size(photo: Photo, model: ModelParams) -> tuple[int, int]:
    """Width and height of the input; of a very long photo the shorter edge is at least one pixel."""
    width, height = photo.image.size
    shape = ResizeShortestEdge.get_output_shape(height, width, model.shorter_edge, model.longer_edge)
    return max(1, shape[1]), max(1, shape[0])


class Network:
    """A trained run.

    Attributes:
        folder: of the run.
        digest: SHA-256 of its weights.
        run: its configuration.
    """

    def __init__(self, folder: Path, device: torch.device, min_score: float) -> None:
        self.model: GeneralizedRCNN
        self.model, self.run = load_model(folder, device)
        self.folder, self.digest = folder, sha256(folder / WEIGHTS)
        self.set_min_score(min_score)
        self.embeds = isinstance(self.model, MatchRCNN)

    def set_min_score(self, min_score: float) -> None:
        """Leave out garments that the detector is less sure of."""
        self.model.roi_heads.box_predictor.test_score_thresh = min_score

    def limit(self, streams: set[str]) -> None:
        """Compute only these of the streams `masks`, `landmarks` and `embeddings`."""
        self.embeds = "embeddings" in streams
        self.model.roi_heads.mask_on = "masks" in streams
        self.model.roi_heads.keypoint_on = "landmarks" in streams

    def input(self, photo: Photo) -> Entry:
        """The photo as this network sees it."""
        return network_input(photo, self.run.model)

    @torch.no_grad()
    def find(self, batch: Sequence[Entry]) -> list[Instances]:
        """Garments of each photo, with what this run's streams say of them, in pixels of its inputs."""
        images = self.model.preprocess_image(batch)
        features = self.model.backbone(images.tensor)
        proposals, _ = self.model.proposal_generator(images, features, None)
        with boxes_only(self.model):
            found, _ = self.model.roi_heads(images, features, proposals, None)
        return self._described(features, found)

    @torch.no_grad()
    def describe(self, batch: Sequence[Entry], found: Sequence[Instances]) -> list[Instances]:
        """What this run's streams say of garments that another run found: the same garments, in pixels of its inputs.

        Args:
            batch: this run's inputs.
            found: with `pred_boxes`, `pred_classes` and `scores`, in pixels of the other run's inputs.
        """
        given = [_moved(each, entry["image"].shape[1:]) for each, entry in zip(found, batch, strict=True)]
        features = self.model.backbone(self.model.preprocess_image(batch).tensor)
        return self._described(features, [each.to(self.model.device) for each in given])

    def _described(self, features: dict[str, torch.Tensor], found: list[Instances]) -> list[Instances]:
        found = self.model.roi_heads.forward_with_given_boxes(features, found)
        if self.embeds and isinstance(self.model, MatchRCNN):
            embeddings = self.model.embed(features, [each.pred_boxes for each in found])
            for each, vectors in zip(found, embeddings, strict=True):
                each.pred_embeddings = vectors
        return [each.to("cpu") for each in found]


def _moved(found: Instances, size: Sequence[int]) -> Instances:
    """The boxes of garments in pixels of an input of another size, (height, width)."""
    height, width = found.image_size
    scale = torch.tensor([size[1] / width, size[0] / height] * 2)
    moved = Instances((int(size[0]), int(size[1])))
    moved.pred_boxes = Boxes(found.pred_boxes.tensor * scale)
    moved.pred_classes, moved.scores = found.pred_classes, found.scores
    return moved
