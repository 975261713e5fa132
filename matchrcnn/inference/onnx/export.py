"""A trained run as one ONNX file: from an image to boxes, masks, landmark maps and embeddings.

The graph holds normalisation, padding, proposals and non-maximum suppression; outside of it stay resizing, which every
program has, and the decoding of landmark maps, whose size is that of each box. docs/export.md says what goes in and
out.
"""

import tempfile
import warnings
from pathlib import Path

import onnx
import orjson
import torch
from detectron2.export import TracingAdapter
from detectron2.modeling import GeneralizedRCNN
from torch import Tensor, nn
from torch.nn import functional

from matchrcnn.config import RunConfig
from matchrcnn.files import atomic_write
from matchrcnn.inference.network import Network
from matchrcnn.inference.runs import streams_of
from matchrcnn.modeling.match_rcnn import MatchRCNN
from matchrcnn.tasks import BOXES, EMBEDDINGS, EXTRA_STREAMS, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_LANDMARKS

OPSET = 17
"""RoIAlign with half-pixel boxes needs 16."""

CLASSES, SCORES = "classes", "scores"
"""Outputs that say more about each box."""


def export_onnx(folder: Path, output: Path, min_score: float | None = None) -> list[str]:
    """Write a trained run as ONNX.

    Args:
        folder: the run, `models/RUN`.
        output: the file.
        min_score: detections below it are left out; None: as the run has it.

    Returns:
        Names of the outputs.

    Raises:
        UserError: the folder holds no trained run.
    """
    learned = streams_of(folder)
    streams = [stream for stream in EXTRA_STREAMS if stream in learned]
    network = Network.load(folder, "cpu", min_score=min_score)
    network.limit([stream for stream in streams if stream is MASKS])  # the others are traced apart
    names = [BOXES.onnx, CLASSES, SCORES, *(stream.onnx for stream in streams)]
    graph = _traced(network, streams, names)
    for key, value in _described(network.run, network.digest).items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph)
    with atomic_write(output) as file:
        file.write(graph.SerializeToString())
    return names


def _traced(network: Network, streams: list[Stream], names: list[str]) -> onnx.ModelProto:
    run = network.run.model
    # height and width differ, and neither is a multiple of the stride: nothing of this size may stay in the graph
    example = torch.rand(3, run.shorter_edge - 3, min(run.longer_edge, run.shorter_edge + 37)) * 255
    heads = _Heads(network.model, streams).eval()
    sizes = {name: {0: "garments"} for name in names} | {"image": {1: "height", 2: "width"}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every assertion in the code that it follows
        adapter = TracingAdapter(heads, (example,)).eval()
        path = Path(scratch) / "model.onnx"
        torch.onnx.export(
            adapter,
            (example,),
            path,
            dynamo=False,  # torch.export follows no data-dependent number of boxes through detectron2's structures
            opset_version=OPSET,
            input_names=["image"],
            output_names=names,
            dynamic_axes=sizes,
        )
        return onnx.load(path)


class _Heads(nn.Module):
    """The model's streams as tensors, for one image."""

    def __init__(self, model: GeneralizedRCNN, streams: list[Stream]) -> None:
        super().__init__()
        self.model, self.streams = model, streams
        offsets = torch.tensor([category.offset for category in CATEGORIES])
        own = offsets[:, None] + torch.arange(MAX_LANDMARKS)
        self.own: Tensor
        self.register_buffer("own", own.clamp(max=NUM_LANDMARKS - 1))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of their names, in pixels of the image.

        Args:
            image: (3, H, W) float32, 0..255.
        """
        model, heads = self.model, self.model.roi_heads
        images = model.preprocess_image([{"image": image}])
        features = model.backbone(images.tensor)
        proposals, _ = model.proposal_generator(images, features, None)
        found, _ = heads(images, features, proposals, None)
        outputs = [found[0].pred_boxes.tensor, found[0].pred_classes, found[0].scores]
        boxes = [found[0].pred_boxes]
        if MASKS in self.streams:
            outputs.append(found[0].pred_masks[:, 0])
        if LANDMARKS in self.streams:
            levels = [features[name] for name in heads.keypoint_in_features]
            outputs.append(self._landmark_maps(heads.keypoint_pooler(levels, boxes), found[0].pred_classes))
        if EMBEDDINGS in self.streams and isinstance(model, MatchRCNN):
            outputs.append(model.match_network.extractor(model.match_input(features, boxes)))
        return tuple(outputs)

    def _landmark_maps(self, rois: Tensor, classes: Tensor) -> Tensor:
        """Maps of each RoI's own category, (N, 39, 56, 56) logits; those past its number of landmarks mean nothing."""
        head = self.model.roi_heads.keypoint_head
        lowres = head.score_lowres(head.features(rois))
        index = self.own[classes][:, :, None, None].expand(-1, -1, lowres.shape[2], lowres.shape[3])
        return functional.interpolate(lowres.gather(1, index), scale_factor=2.0, mode="bilinear", align_corners=False)


def _described(run: RunConfig, digest: str) -> dict[str, str]:
    """Metadata of the file: everything a program needs to use it."""
    described: dict[str, object] = {
        "run": run.name,
        "task": run.task,
        "model_sha256": digest,
        "pixel_format": run.model.pixel_format,
        "shorter_edge": run.model.shorter_edge,
        "longer_edge": run.model.longer_edge,
        "categories": [category.name for category in CATEGORIES],
        "landmarks": [category.count for category in CATEGORIES],
    }
    return {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in described.items()}
