"""A trained run, ready to look at pictures: the one way to load and run a model outside of training."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from detectron2.modeling import GeneralizedRCNN
from detectron2.structures import Boxes, Instances

from matchrcnn.config import InferenceParams, RunConfig
from matchrcnn.data.records import Minibatch, ModelInput
from matchrcnn.errors import UserError
from matchrcnn.files import sha256
from matchrcnn.modeling.build import load_model, pick_device
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.modeling.match_rcnn import MatchRCNN
from matchrcnn.project import WEIGHTS
from matchrcnn.retrieval.features import Features
from matchrcnn.tasks import DETECTED, EMBEDDINGS, GIVEN, LANDMARKS, MASKS, Stream


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of a trained run's weights, by which its predictions and indexes are known.

    Raises:
        UserError: the folder holds no trained run.
    """
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder}: no {WEIGHTS}; give the folder of a trained run, as models/RUN")
    return sha256(folder / WEIGHTS)


@dataclass(frozen=True, eq=False)
class Detected:
    """The garments of an image of a data set or a gallery, on the CPU, in pixels of the picture as stored.

    Attributes:
        image_id: of the input.
        instances: N garments: pred_boxes (N, 4) float32, scores (N,) float32 and pred_classes (N,) int64, 0..12; and of
            the streams that were computed pred_masks (N, H, W) bool, pred_keypoints (N, 39, 3) float32 (x, y, score)
            and pred_embeddings (N, D) float32.
        regions: protocol of retrieval -> its regions with their embeddings: the garments, and the boxes that the input
            gave; empty where no embeddings were computed.
    """

    image_id: int
    instances: Instances
    regions: dict[str, Features]


class Network:
    """A trained run.

    `detect` is for images whose annotations or index refer to the picture as stored; `find` and `describe` are for
    photos, where one network finds the garments and others add to them. All of them compute the same.

    Attributes:
        folder: of the run.
        model: in inference mode.
        run: its configuration.
        embeds: whether embeddings are computed.
    """

    def __init__(self, folder: Path, model: GeneralizedRCNN, run: RunConfig) -> None:
        self.folder, self.model, self.run = folder, model, run
        self.embeds = isinstance(model, MatchRCNN)

    @classmethod
    def load(
        cls,
        folder: Path,
        device: str = "auto",
        inference: InferenceParams | None = None,
        min_score: float | None = None,
        threads: int | None = None,
    ) -> Self:
        """Read a trained run; torch is set to deterministic algorithms.

        Args:
            folder: the run, `models/RUN`.
            device: auto (a GPU where there is one), cpu or cuda.
            inference: what counts as a detection; None: as the run has it.
            min_score: least score of a garment, 0..1; None: as `inference` has it.
            threads: of torch on a CPU; None leaves them as they are.

        Raises:
            UserError: the folder holds no trained run, its weights do not fit, or there is no such device.
        """
        make_deterministic(threads)
        network = cls(folder, *load_model(folder, pick_device(device), inference))
        if min_score is not None:
            network.model.roi_heads.box_predictor.test_score_thresh = min_score
        return network

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights."""
        return weights_digest(self.folder)

    def limit(self, streams: Collection[Stream]) -> None:
        """Compute, beyond boxes, only these of the streams that the run has learned."""
        self.embeds = EMBEDDINGS in streams
        self.model.roi_heads.mask_on = MASKS in streams
        self.model.roi_heads.keypoint_on = LANDMARKS in streams

    @torch.no_grad()
    def detect(self, batch: Minibatch) -> list[Detected]:
        """Return the garments of each image, and the embeddings of its `given_boxes`, in pixels of it as stored.

        Args:
            batch: inputs with an `image_id`.
        """
        return [self._detected(entry, output) for entry, output in zip(batch, self.model(batch), strict=True)]

    @torch.no_grad()
    def find(self, batch: Minibatch) -> list[Instances]:
        """Return the garments of each photo, with what this run's streams say about them, in pixels of its input."""
        images = self.model.preprocess_image(batch)
        features = self.model.backbone(images.tensor)
        proposals, _ = self.model.proposal_generator(images, features, None)
        found, _ = self.model.roi_heads(images, features, proposals, None)
        return self._embedded(features, found)

    @torch.no_grad()
    def describe(self, batch: Minibatch, found: Sequence[Instances]) -> list[Instances]:
        """Return what this run's streams say about garments that another run found, in pixels of this run's inputs.

        Args:
            batch: this run's inputs.
            found: with `pred_boxes`, `pred_classes` and `scores`, in pixels of the other run's inputs.
        """
        given = [_moved(each, entry["image"].shape[1:]) for each, entry in zip(found, batch, strict=True)]
        features = self.model.backbone(self.model.preprocess_image(batch).tensor)
        given = [each.to(self.model.device) for each in given]
        return self._embedded(features, self.model.roi_heads.forward_with_given_boxes(features, given))

    @property
    def embedding(self) -> int:
        """D, the numbers of an embedding."""
        return int(self._matching.match_network.embedding)

    @property
    def rank_weights(self) -> np.ndarray:
        """Weights of the ranking score, (D,) float32; see `retrieval.ranking`."""
        weights: np.ndarray = self._matching.match_network.similarity.rank_weights().cpu().numpy()
        return weights

    def same_piece(self, scores: np.ndarray) -> np.ndarray:
        """Return the match network's probability that two garments are the same piece.

        Args:
            scores: of `retrieval.ranking.rank` with `rank_weights`, any shape, float64.
        """
        bias = self._matching.match_network.similarity.rank_bias()
        probability: np.ndarray = torch.sigmoid(torch.from_numpy(scores) + bias).numpy()
        return probability

    @property
    def _matching(self) -> MatchRCNN:
        if not isinstance(self.model, MatchRCNN):
            task = self.run.task
            raise UserError(f"{self.folder}: its task is {task}; give the folder of a run whose task is retrieval")
        return self.model

    def _embedded(self, features: dict[str, torch.Tensor], found: list[Instances]) -> list[Instances]:
        """The garments on the CPU, with their embeddings where these are computed."""
        if self.embeds:
            embeddings = self._matching.embed(features, [each.pred_boxes for each in found])
            for each, vectors in zip(found, embeddings, strict=True):
                each.pred_embeddings = vectors
        return [each.to("cpu") for each in found]

    def _detected(self, entry: ModelInput, output: dict) -> Detected:
        instances = output["instances"].to("cpu")
        if not self.embeds:
            return Detected(entry["image_id"], instances, {})
        given = output.get("given_embeddings", torch.zeros(0, self.embedding))
        regions = {DETECTED: _detected_regions(entry, instances), GIVEN: _given_regions(entry, given.cpu().numpy())}
        return Detected(entry["image_id"], instances, regions)


def _detected_regions(entry: ModelInput, instances: Instances) -> Features:
    return Features(
        image_ids=np.full(len(instances), entry["image_id"], np.int64),
        boxes=instances.pred_boxes.tensor.numpy(),
        categories=instances.pred_classes.numpy().astype(np.int64) + 1,
        scores=instances.scores.numpy(),
        vectors=instances.pred_embeddings.numpy(),
    )


def _given_regions(entry: ModelInput, vectors: np.ndarray) -> Features:
    boxes = np.asarray(entry.get("given_boxes", np.zeros((0, 4), np.float32)))
    return Features(
        image_ids=np.full(len(boxes), entry["image_id"], np.int64),
        boxes=boxes,
        categories=np.asarray(entry.get("given_categories", np.zeros(0, np.int64))),
        scores=np.ones(len(boxes), np.float32),
        vectors=vectors,
    )


def _moved(found: Instances, size: Sequence[int]) -> Instances:
    """The boxes of garments in pixels of an input of another size, (height, width)."""
    height, width = found.image_size
    scale = torch.tensor([size[1] / width, size[0] / height] * 2)
    moved = Instances((int(size[0]), int(size[1])))
    moved.pred_boxes = Boxes(found.pred_boxes.tensor * scale)
    moved.pred_classes, moved.scores = found.pred_classes, found.scores
    return moved
