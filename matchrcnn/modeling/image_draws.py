"""What is random about a training image: a function of the image's own seed, whatever batch or process it is in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from detectron2.modeling import GeneralizedRCNN
from detectron2.modeling.meta_arch import META_ARCH_REGISTRY
from detectron2.modeling.proposal_generator import PROPOSAL_GENERATOR_REGISTRY, RPN
from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY, StandardROIHeads
from detectron2.structures import Boxes, Instances
from torch import Tensor

ANCHORS, ROIS, MATCH_ROIS = range(3)
"""The draws of an image."""

Batch = list[dict[str, Any]]

_seeds: ContextVar[tuple[int, ...]] = ContextVar("seeds", default=())


@contextmanager
def own_draws(batch: Batch) -> Iterator[None]:
    """Within it, each image draws by its input's `seed`; where an input has none, all draw from torch's generator."""
    seeds = tuple(entry["seed"] for entry in batch if "seed" in entry)
    token = _seeds.set(seeds if len(seeds) == len(batch) else ())
    try:
        yield
    finally:
        _seeds.reset(token)


def start_draw(image: int, draw: int) -> None:
    """Bring torch's generator to where a draw of an image starts: what follows depends on its seed alone."""
    if seeds := _seeds.get():
        seed = (seeds[image] + draw) % 2**63
        torch.default_generator.manual_seed(seed)  # torch.manual_seed asks every kind of accelerator: 300 times as long
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed(seed)


@META_ARCH_REGISTRY.register()
class DetectionRCNN(GeneralizedRCNN):
    """Generalized R-CNN whose training images draw by their own seeds, the `seed` of an input."""

    def forward(self, batched_inputs: Batch) -> dict[str, Tensor] | list[dict[str, Any]]:
        """Losses in training, detections in inference."""
        with own_draws(batched_inputs):
            return super().forward(batched_inputs)


@PROPOSAL_GENERATOR_REGISTRY.register()
class DrawingRPN(RPN):
    """The RPN, with the anchors that an image learns from drawn by the image's seed."""

    @torch.no_grad()
    def label_and_sample_anchors(
        self, anchors: list[Boxes], gt_instances: list[Instances]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As detectron2's, image by image."""
        together, labels, boxes = [Boxes.cat(anchors)], [], []
        for image, targets in enumerate(gt_instances):
            start_draw(image, ANCHORS)
            own_labels, own_boxes = super().label_and_sample_anchors(together, [targets])
            labels += own_labels
            boxes += own_boxes
        return labels, boxes


@ROI_HEADS_REGISTRY.register()
class DrawingROIHeads(StandardROIHeads):
    """The RoI heads, with the RoIs that an image learns from drawn by the image's seed."""

    @torch.no_grad()
    def label_and_sample_proposals(self, proposals: list[Instances], targets: list[Instances]) -> list[Instances]:
        """As detectron2's, image by image."""
        sampled = []
        for image, (found, wanted) in enumerate(zip(proposals, targets, strict=True)):
            start_draw(image, ROIS)
            sampled += super().label_and_sample_proposals([found], [wanted])
        return sampled
