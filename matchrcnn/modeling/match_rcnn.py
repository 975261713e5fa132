"""Match R-CNN: detection, landmarks and masks of detectron2's Generalized R-CNN, and the match network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from detectron2.config import CfgNode, configurable
from detectron2.layers import ShapeSpec
from detectron2.modeling import META_ARCH_REGISTRY
from detectron2.modeling.poolers import ROIPooler
from detectron2.modeling.postprocessing import detector_postprocess
from detectron2.modeling.roi_heads import StandardROIHeads
from detectron2.structures import Boxes, ImageList, Instances
from detectron2.utils.events import get_event_storage
from torch import Tensor, nn

from matchrcnn.data.records import Minibatch, ModelInput, ModelOutput
from matchrcnn.modeling.image_draws import MATCH_ROIS, own_draws, start_draw
from matchrcnn.modeling.match_network import IGNORED, MatchNetwork, gather, pair_loss
from matchrcnn.modeling.match_rois import ItemRois, item_rois
from matchrcnn.modeling.rcnn import DetectionRCNN
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, VARIANTS, Stream, Variant

JOINED_SIDE = 14
"""Side of the maps that a variant joins, cells."""


@dataclass(frozen=True)
class _RoiMaps:
    """Where the RoI maps of a stream come from, in detectron2's RoI heads and in its config.

    Attributes:
        pooler: name of the RoIAlign that makes them.
        convolve: apply the convolutions of the stream's head to maps; None where it has none.
        channels: of the maps after these convolutions.
    """

    pooler: str
    convolve: Callable[[StandardROIHeads, Tensor], Tensor] | None = None
    channels: Callable[[CfgNode], int] | None = None


def _convolve_masks(heads: StandardROIHeads, maps: Tensor) -> Tensor:
    for layer in heads.mask_head.conv_norm_relus:
        maps = layer(maps)
    return maps


ROI_MAPS: dict[Stream, _RoiMaps] = {
    BOXES: _RoiMaps("box_pooler"),
    MASKS: _RoiMaps("mask_pooler", _convolve_masks, lambda cfg: cfg.MODEL.ROI_MASK_HEAD.CONV_DIM),
    LANDMARKS: _RoiMaps(
        "keypoint_pooler",
        lambda heads, maps: heads.keypoint_head.features(maps),
        lambda cfg: cfg.MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS[-1],
    ),
}
"""The streams that a variant of retrieval can read."""


def add_match_network_config(cfg: CfgNode) -> None:
    """Add MODEL.MATCH_NETWORK to a detectron2 config."""
    cfg.MODEL.MATCH_NETWORK = CfgNode()
    node = cfg.MODEL.MATCH_NETWORK
    node.VARIANT = "class"
    node.WIDTHS = (256, 256, 256, 1024)
    node.EMBEDDING = 256
    node.ROIS_PER_IMAGE = 8
    node.IOU_THRESHOLD = 0.7
    node.MERGED_MASK_INPUT = "convs"
    # loss weights by detectron2's names of the losses; RPN's are 1
    node.LOSS_WEIGHTS = CfgNode(
        {"loss_cls": 1.0, "loss_box_reg": 1.0, "loss_keypoint": 1.0, "loss_mask": 1.0, "loss_pair": 1.0}
    )
    node.FREEZE = False


@META_ARCH_REGISTRY.register()
class MatchRCNN(DetectionRCNN):
    """Generalized R-CNN with mask and landmark heads that also gives every region a feature to be retrieved by.

    In training the batch holds pairs of images, a user and a shop image of one item; each input has its `source`, and
    its instances `gt_pair_ids` and `gt_styles`, (N,) int64. `loss_pair` is added to the other losses, all weighted.
    Counts of the pairs go to the event storage as `pairs/positive`, `pairs/negative` and `pairs/identities`.

    In inference the instances have `pred_embeddings`, (N, embedding) float32. An input with `given_boxes`, (M, 4) in
    pixels of its `height` and `width`, has `given_embeddings`, (M, embedding) float32, next to its instances.

    With `freeze`, features, proposals and streams are those of the weights that were loaded and only the match network
    learns: the other losses are not computed.
    """

    @configurable
    def __init__(
        self,
        *,
        match_network: MatchNetwork,
        class_pooler: ROIPooler,
        variant: Variant,
        convolved: bool,
        rois_per_image: int,
        iou_threshold: float,
        loss_weights: dict[str, float],
        freeze: bool,
        **kwargs: Any,  # noqa: ANN401 (those of GeneralizedRCNN)
    ) -> None:
        super().__init__(**kwargs)
        self.match_network, self.class_pooler = match_network, class_pooler
        self.variant, self.convolved = variant, convolved
        self.rois_per_image, self.iou_threshold = rois_per_image, iou_threshold
        self.loss_weights, self.freeze = loss_weights, freeze
        if freeze:
            for module in self._other_modules():
                module.requires_grad_(False)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> dict[str, Any]:
        """Arguments from a detectron2 config with `add_match_network_config`."""
        parts, node = super().from_config(cfg), cfg.MODEL.MATCH_NETWORK
        shapes = parts["backbone"].output_shape()
        return {
            **parts,
            "match_network": MatchNetwork(_input_channels(cfg, shapes), node.WIDTHS, node.EMBEDDING),
            "class_pooler": _class_pooler(cfg, shapes),
            "variant": VARIANTS[node.VARIANT],
            "convolved": _convolved(VARIANTS[node.VARIANT], node.MERGED_MASK_INPUT),
            "rois_per_image": node.ROIS_PER_IMAGE,
            "iou_threshold": node.IOU_THRESHOLD,
            "loss_weights": dict(node.LOSS_WEIGHTS),
            "freeze": node.FREEZE,
        }

    def train(self, mode: bool = True) -> "MatchRCNN":
        """As in torch; what is frozen stays in inference mode."""
        super().train(mode)
        if self.freeze:
            for module in self._other_modules():
                module.eval()
        return self

    def forward(self, batched_inputs: Minibatch) -> dict[str, Tensor] | list[ModelOutput]:
        """Return weighted losses, scalars by name, in training; detections with embeddings in inference."""
        if not self.training:
            return self.inference(batched_inputs)
        with own_draws(batched_inputs):
            losses = self._losses(batched_inputs)
        return {name: loss * self.loss_weights.get(name, 1.0) for name, loss in losses.items()}

    def _losses(self, batched_inputs: Minibatch) -> dict[str, Tensor]:
        images = self.preprocess_image(batched_inputs)
        targets = [entry["instances"].to(self.device) for entry in batched_inputs]
        features, proposals, losses = self._detect_for_training(images, targets)
        rois = []
        for image, (found, wanted) in enumerate(zip(proposals, targets, strict=True)):
            start_draw(image, MATCH_ROIS)
            rois.append(item_rois(found, wanted, self.rois_per_image, self.iou_threshold))
        is_user = [entry["source"] == "user" for entry in batched_inputs]
        return {**losses, "loss_pair": self._pair_loss(features, rois, is_user)}

    def inference(
        self, batched_inputs: Minibatch, detected_instances: list[Instances] | None = None, do_postprocess: bool = True
    ) -> list[ModelOutput] | list[Instances]:
        """As `GeneralizedRCNN.inference`, with `pred_embeddings` and `given_embeddings`.

        Args:
            batched_inputs: images.
            detected_instances: boxes and classes of each image, in pixels of its input, to use in place of proposals.
            do_postprocess: whether to return outputs in pixels of the pictures as stored, or bare instances in pixels
                of the inputs.
        """
        images = self.preprocess_image(batched_inputs)
        features = self.backbone(images.tensor)
        if detected_instances is None:
            proposals, _ = self.proposal_generator(images, features, None)
            results, _ = self.roi_heads(images, features, proposals, None)
        else:
            detected = [instances.to(self.device) for instances in detected_instances]
            results = self.roi_heads.forward_with_given_boxes(features, detected)
        for instances, embeddings in zip(results, self.embed(features, [r.pred_boxes for r in results]), strict=True):
            instances.pred_embeddings = embeddings
        if not do_postprocess:
            return results
        outputs = [_in_picture(*each) for each in zip(results, batched_inputs, strict=True)]
        self._embed_given(features, results, batched_inputs, outputs)
        return outputs

    def embed(self, features: dict[str, Tensor], boxes: list[Boxes]) -> list[Tensor]:
        """Return features of boxes to be retrieved by, (n, E) float32 for each image.

        Args:
            features: the backbone's maps of N images.
            boxes: N times the boxes of an image, in pixels of the network's input.
        """
        embeddings = self.match_network.extractor(self.match_input(features, boxes))
        return list(embeddings.split([len(each) for each in boxes]))

    def match_input(self, features: dict[str, Tensor], boxes: list[Boxes]) -> Tensor:
        """Return what the match network reads of each RoI in this variant, (R, C, 7, 7) or (R, C, 14, 14) float32."""
        heads, maps_of = self.roi_heads, ROI_MAPS[self.variant.reads]
        levels = [features[name] for name in heads.box_in_features]
        maps = getattr(heads, maps_of.pooler)(levels, boxes)
        if self.convolved and maps_of.convolve:
            maps = maps_of.convolve(heads, maps)
        return torch.cat([maps, self.class_pooler(levels, boxes)], dim=1) if self.variant.joined else maps

    def _other_modules(self) -> list[nn.Module]:
        return [self.backbone, self.proposal_generator, self.roi_heads]

    def _detect_for_training(
        self, images: ImageList, targets: list[Instances]
    ) -> tuple[dict[str, Tensor], list[Instances], dict[str, Tensor]]:
        features = self.backbone(images.tensor)
        if self.freeze:
            proposals, _ = self.proposal_generator(images, features, None)
            return features, proposals, {}
        proposals, losses = self.proposal_generator(images, features, targets)
        _, stream_losses = self.roi_heads(images, features, proposals, targets)
        return features, proposals, {**losses, **stream_losses}

    def _pair_loss(self, features: dict[str, Tensor], rois: list[ItemRois], is_user: list[bool]) -> Tensor:
        maps = self.match_input(features, [each.boxes for each in rois])
        sides = torch.tensor(is_user, device=maps.device).repeat_interleave(self.rois_per_image)
        identities = torch.cat([each.identities for each in rois])
        logits, targets = self.match_network.pair_logits(maps, identities, sides)
        storage = get_event_storage()
        storage.put_scalar("pairs/positive", int((targets == 0).sum()))
        storage.put_scalar("pairs/negative", int(((targets != 0) & (targets != IGNORED)).sum()))
        identities = gather(identities)
        storage.put_scalar("pairs/identities", len(identities[identities[:, 1] > 0].unique(dim=0)))
        return pair_loss(logits, targets)

    def _embed_given(
        self, features: dict[str, Tensor], results: list[Instances], inputs: Minibatch, outputs: list[ModelOutput]
    ) -> None:
        if not any("given_boxes" in entry for entry in inputs):
            return
        boxes = []
        for instances, entry in zip(results, inputs, strict=True):
            given = torch.as_tensor(entry.get("given_boxes", []), dtype=torch.float32, device=self.device).reshape(
                -1, 4
            )
            height, width = instances.image_size
            x, y = width / entry.get("width", width), height / entry.get("height", height)
            boxes.append(Boxes(given * given.new_tensor([x, y, x, y])))
        for output, embeddings in zip(outputs, self.embed(features, boxes), strict=True):
            output["given_embeddings"] = embeddings


def _in_picture(instances: Instances, entry: ModelInput) -> ModelOutput:
    """Detections in the coordinates of the picture as stored."""
    height, width = instances.image_size
    return {"instances": detector_postprocess(instances, entry.get("height", height), entry.get("width", width))}


def _convolved(variant: Variant, merged_mask_input: str) -> bool:
    """Whether a variant reads its stream after the convolutions of the head."""
    return variant.convolved if variant.convolved is not None else merged_mask_input == "convs"


def _input_channels(cfg: CfgNode, shapes: dict[str, ShapeSpec]) -> int:
    """Channels of `MatchRCNN.match_input`."""
    node = cfg.MODEL.MATCH_NETWORK
    variant, pyramid = VARIANTS[node.VARIANT], shapes[cfg.MODEL.ROI_HEADS.IN_FEATURES[0]].channels
    channels_of = ROI_MAPS[variant.reads].channels
    read = channels_of(cfg) if channels_of and _convolved(variant, node.MERGED_MASK_INPUT) else pyramid
    return read + pyramid if variant.joined else read


def _class_pooler(cfg: CfgNode, shapes: dict[str, ShapeSpec]) -> ROIPooler:
    """The class stream's RoIAlign at the side of the other stream's maps."""
    box = cfg.MODEL.ROI_BOX_HEAD
    return ROIPooler(
        output_size=JOINED_SIDE,
        scales=[1.0 / shapes[name].stride for name in cfg.MODEL.ROI_HEADS.IN_FEATURES],
        sampling_ratio=box.POOLER_SAMPLING_RATIO,
        pooler_type=box.POOLER_TYPE,
    )
