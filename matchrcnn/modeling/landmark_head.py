"""The landmark stream: detectron2's keypoint head, computed for each RoI's own category only.

Of the 294 landmarks of all categories an item has 8 to 39. The head holds the parameters of the stock
`KRCNNConvDeconvUpsampleHead` with 294 keypoints, under the same names; it computes, compares and decodes only the maps
of a RoI's category, and in training only those of its labelled landmarks. Losses, gradients and points are the stock's.
"""

from collections.abc import Iterator

import torch
from detectron2.config import configurable
from detectron2.layers import ShapeSpec, cat
from detectron2.modeling.roi_heads import ROI_KEYPOINT_HEAD_REGISTRY, KRCNNConvDeconvUpsampleHead
from detectron2.structures import Instances
from torch import Tensor, nn
from torch.nn import functional

from matchrcnn.modeling.collectives import processes, total
from matchrcnn.modeling.landmark_decoding import decode_heatmaps
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_LANDMARKS

LOWRES_SIDE = 28
"""Side of a map as the learned deconvolution leaves it, cells."""

HEATMAP_SIDE = 56
"""Side of a map in which a landmark's target is one cell, cells."""


@ROI_KEYPOINT_HEAD_REGISTRY.register()
class CategoryLandmarkHead(KRCNNConvDeconvUpsampleHead):
    """8 conv and 2 deconv on RoIAlign 14x14, with maps for a RoI's own category only.

    Chosen by `MODEL.ROI_KEYPOINT_HEAD.NAME`, with `NUM_KEYPOINTS` 294. A RoI's category is `gt_classes` in training and
    `pred_classes` in inference. Annotations are `gt_keypoints` of (N, 39, 3), predictions `pred_keypoints` of
    (N, 39, 3) float32, (x, y, score) in image pixels: the category's landmarks first, zeros after them.
    `pred_keypoint_heatmaps` is not kept.
    """

    @configurable
    def __init__(self, input_shape: ShapeSpec, *, num_keypoints: int, **kwargs: object) -> None:
        if num_keypoints != NUM_LANDMARKS:
            raise ValueError(f"MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS is {num_keypoints}, must be {NUM_LANDMARKS}")
        super().__init__(input_shape, num_keypoints=num_keypoints, **kwargs)
        self._check_order()
        for module in self.children():
            if isinstance(module, nn.ReLU):
                module.inplace = True  # one activation a layer is kept instead of two
        self.register_buffer("upsampling", _doubling(LOWRES_SIDE), persistent=False)

    def _check_order(self) -> None:
        """Check what `features` relies on: the stock head's layers are its convolutions, each with its ReLU, and last
        the deconvolution.

        Raises:
            TypeError: detectron2's head is built otherwise.
        """
        *layers, last = self.children()
        expected = [nn.Conv2d, nn.ReLU] * (len(layers) // 2)
        if last is not self.score_lowres or len(layers) != len(expected) or not all(map(isinstance, layers, expected)):
            found = ", ".join(type(layer).__name__ for layer in self.children())
            raise TypeError(
                f"detectron2's KRCNNConvDeconvUpsampleHead has the layers {found}; expected are Conv2d and ReLU in "
                "turn, then score_lowres: install the version of detectron2 that requirements/ names"
            )

    def forward(self, x: Tensor, instances: list[Instances]) -> dict[str, Tensor] | list[Instances]:
        """Landmark loss in training, instances with `pred_keypoints` in inference.

        Args:
            x: RoI features, (R, C, 14, 14) float32.
            instances: R instances in all, with `proposal_boxes`, `gt_classes` and `gt_keypoints` in training (images
                without any may lack the fields), `pred_boxes` and `pred_classes` in inference.
        """
        if self.training:
            return {"loss_keypoint": self._loss(x, instances) * self.loss_weight}
        self._predict(x, instances)
        return instances

    def features(self, x: Tensor) -> Tensor:
        """Return the maps after the 8 conv, (R, C', 14, 14): what the match network reads in the variant `pose`.

        Args:
            x: RoI features, (R, C, 14, 14) float32.
        """
        for layer in list(self.children())[:-1]:
            x = layer(x)
        return x

    def layers(self, x: Tensor) -> Tensor:
        """Return all 294 maps, (R, 294, 56, 56), of RoI features (R, C, 14, 14), as the stock head makes them."""
        return _upsample(self.score_lowres(self.features(x)))

    def _loss(self, x: Tensor, instances: list[Instances]) -> Tensor:
        classes, targets, labelled = _targets([each for each in instances if len(each)], x.device)
        # every process counts, also one that has none
        normalizer = self._normalizer(labelled.sum(), len(instances))
        rois = labelled.any(1).nonzero().squeeze(1)
        if len(rois) == 0:
            return self._zero(x)
        targets, labelled = targets[rois], labelled[rois]
        maps, order = self._labelled_maps(self.features(x[rois]), classes[rois], labelled)
        return functional.cross_entropy(maps.flatten(1), targets.flatten()[order], reduction="sum") / normalizer

    def _normalizer(self, labelled: Tensor, images: int) -> Tensor | float:
        """What a sum over labelled landmarks is divided by, so that the processes' mean is that over all of them."""
        return total(labelled) / processes() if self.loss_normalizer == "visible" else images * self.loss_normalizer

    def _zero(self, x: Tensor) -> Tensor:
        """A loss of 0 that reaches every parameter, so that distributed training waits for no gradient."""
        return self.score_lowres(self.features(x[:1])).sum() * 0

    def _labelled_maps(self, x: Tensor, classes: Tensor, labelled: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of the labelled landmarks, (P, 56, 56), and their places in the flattened `labelled`, (P,) int64."""
        maps, order = [], []
        places = torch.arange(labelled.numel(), device=x.device).view_as(labelled)
        for rois, weight, bias in self._groups(classes):
            mask = labelled[rois, : len(bias)]
            columns = mask.any(0)  # RoIs of one item share its unlabelled landmarks
            lowres = self._deconv(x[rois], weight[:, columns], bias[columns])
            maps.append(lowres[mask[:, columns]])
            order.append(places[rois, : len(bias)][mask])
        # bilinear interpolation as two products: the same numbers, several times as fast forward and backward on a CPU
        return self.upsampling @ (cat(maps) @ self.upsampling.T), cat(order)

    def _groups(self, classes: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The RoIs of each category that occurs, (n,) int64, with its part of the deconvolution's weight and bias."""
        counts = [category.count for category in CATEGORIES]
        weights, biases = self.score_lowres.weight.split(counts, dim=1), self.score_lowres.bias.split(counts)
        for label in classes.unique().tolist():
            yield (classes == label).nonzero().squeeze(1), weights[label], biases[label]

    def _deconv(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        layer = self.score_lowres
        return functional.conv_transpose2d(x, weight, bias, layer.stride, layer.padding)

    @torch.no_grad()
    def _predict(self, x: Tensor, instances: list[Instances]) -> None:
        boxes = cat([each.pred_boxes.tensor for each in instances])
        classes = cat([each.pred_classes for each in instances])
        points = x.new_zeros(len(boxes), MAX_LANDMARKS, 3)
        x = self.features(x)
        for rois, weight, bias in self._groups(classes):
            maps = _upsample(self._deconv(x[rois], weight, bias))
            points[rois, : len(bias)] = decode_heatmaps(maps, boxes[rois])
        for each, part in zip(instances, points.split([len(each) for each in instances]), strict=True):
            each.pred_keypoints = part


def _upsample(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)


def _doubling(side: int) -> Tensor:
    """Weights that double an axis by bilinear interpolation, (2 side, side) float32."""
    return functional.interpolate(torch.eye(side)[None], scale_factor=2.0, mode="linear", align_corners=False)[0].T


def _targets(instances: list[Instances], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Classes (R,) int64, target cells (R, 39) int64 in 0..3135, which are labelled in the RoI, (R, 39) bool."""
    if not instances:
        empty = torch.zeros(0, MAX_LANDMARKS, dtype=torch.int64, device=device)
        return empty[:, 0], empty, empty.bool()
    pairs = [each.gt_keypoints.to_heatmap(each.proposal_boxes.tensor, HEATMAP_SIDE) for each in instances]
    targets, valid = (cat(list(part)) for part in zip(*pairs, strict=True))
    return cat([each.gt_classes for each in instances]), targets, valid.bool()
