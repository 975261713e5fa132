"""Landmarks from heat maps."""

import torch
from detectron2.structures import heatmaps_to_keypoints
from torch import Tensor


def decode_heatmaps(maps: Tensor, boxes: Tensor) -> Tensor:
    """The highest point of each heat map in its box, as detectron2's `heatmaps_to_keypoints` finds it.

    Args:
        maps: logits, (R, K, S, S) float32.
        boxes: (R, 4), xyxy, pixels.

    Returns:
        (R, K, 3) float32: x, y in pixels, score in 0..1.
    """
    return heatmaps_to_keypoints(maps, boxes)[:, :, torch.tensor([0, 1, 3], device=maps.device)]
