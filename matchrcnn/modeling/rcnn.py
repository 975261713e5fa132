"""detectron2's detector, with losses that are a function of the minibatch: on one process or spread over many.

An image draws by its own seed, the images of all processes are padded to one size (anchors are in the padding too), and
a mean over RoIs is one over the RoIs of all processes. RPN's losses and a landmark loss that is not normalised by what
is visible are means over images, of which every process has equally many.
"""

import torch
from detectron2.modeling import GeneralizedRCNN
from detectron2.modeling.meta_arch import META_ARCH_REGISTRY
from detectron2.modeling.proposal_generator import PROPOSAL_GENERATOR_REGISTRY, RPN
from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY, StandardROIHeads
from detectron2.structures import Boxes, ImageList, Instances
from torch import Tensor
from torch.nn import functional

from matchrcnn.data.records import Minibatch, ModelOutput
from matchrcnn.modeling.collectives import largest, processes, weight_of_own_mean
from matchrcnn.modeling.image_draws import ANCHORS, ROIS, own_draws, start_draw


@META_ARCH_REGISTRY.register()
class DetectionRCNN(GeneralizedRCNN):
    """Generalized R-CNN whose training images draw by their own seeds, the `seed` of an input."""

    def forward(self, batched_inputs: Minibatch) -> dict[str, Tensor] | list[ModelOutput]:
        """Return losses, scalars by name, in training; detections in inference."""
        with own_draws(batched_inputs):
            return super().forward(batched_inputs)

    def preprocess_image(self, batched_inputs: Minibatch) -> ImageList:
        """As detectron2's, in training padded to the largest image of all processes."""
        images = super().preprocess_image(batched_inputs)
        if not self.training or processes() == 1:
            return images
        own_height, own_width = images.tensor.shape[-2:]
        height, width = largest([own_height, own_width], self.device)
        padded = functional.pad(images.tensor, (0, width - own_width, 0, height - own_height))
        return ImageList(padded, images.image_sizes)


@PROPOSAL_GENERATOR_REGISTRY.register()
class DrawingRPN(RPN):
    """The RPN, with the anchors that an image learns from drawn by the image's seed."""

    @torch.no_grad()
    def label_and_sample_anchors(
        self, anchors: list[Boxes], gt_instances: list[Instances]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As detectron2's, image by image.

        Returns:
            For each image the labels of its A anchors, (A,) int8, 1 item, 0 background and -1 ignored; and the boxes
            that they are matched with, (A, 4) float32 xyxy in pixels.
        """
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

    def forward(
        self,
        images: ImageList,
        features: dict[str, Tensor],
        proposals: list[Instances],
        targets: list[Instances] | None = None,
    ) -> tuple[list[Instances], dict[str, Tensor]]:
        """As detectron2's; losses that are means over RoIs count all processes' RoIs.

        Args:
            images: N images, (N, 3, H, W) with the padding.
            features: the backbone's maps by level, (N, C, H / stride, W / stride) float32.
            proposals: with `proposal_boxes`, in pixels of the inputs.
            targets: with `gt_boxes`, `gt_classes` and what the heads learn; None in inference.
        """
        found, losses = super().forward(images, features, proposals, targets)
        if not self.training or processes() == 1:
            return found, losses
        classes = torch.cat([each.gt_classes for each in found])
        items = ((classes >= 0) & (classes < self.num_classes)).sum()
        all_rois, item_rois = weight_of_own_mean(torch.stack([torch.full_like(items, len(classes)), items]).double())
        weights = {"loss_cls": all_rois, "loss_box_reg": all_rois, "loss_mask": item_rois}
        return found, {name: loss * weights[name].float() if name in weights else loss for name, loss in losses.items()}

    @torch.no_grad()
    def label_and_sample_proposals(self, proposals: list[Instances], targets: list[Instances]) -> list[Instances]:
        """As detectron2's, image by image: at most `batch_size_per_image` RoIs of each, with what they are to learn."""
        sampled = []
        for image, (found, wanted) in enumerate(zip(proposals, targets, strict=True)):
            start_draw(image, ROIS)
            sampled += super().label_and_sample_proposals([found], [wanted])
        return sampled
