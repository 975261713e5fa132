"""Landmarks from heat maps: exactly detectron2's points, without its upsampled maps.

detectron2 upsamples every 56x56 map to its box's size and takes the highest pixel. Here `landmark_peaks` names
the one or few pixels that can be the highest, and the same torch kernel computes them, one axis at a time: along an
axis that keeps its size the bicubic weights are 0, 1, 0, 0, which change no bit, so that two passes give the bits of
the one. The score, a softmax over the map's own cells, needs no upsampled map at all.
"""

import numpy as np
import torch
from detectron2.structures import heatmaps_to_keypoints
from torch import Tensor
from torch.nn import functional

from matchrcnn.modeling.landmark_peaks import find_contenders

CONTENDERS = 2
"""Pixels along an axis among which the kernel decides; where more contend, the whole map is upsampled."""

ROWS = 6
"""Rows of cells that two neighbouring pixels read where pixels are no larger than cells: 4, the next, one to spare."""


def decode_heatmaps(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return the highest point of each heat map in its box, bit for bit that of detectron2's `heatmaps_to_keypoints`.

    Maps that are not float32 on the CPU are left to detectron2.

    Args:
        maps: logits, (R, K, S, S) float32.
        boxes: (R, 4) float32, xyxy, pixels.

    Returns:
        (R, K, 3) float32: x, y in pixels, score.
    """
    if maps.device.type != "cpu" or maps.dtype != torch.float32 or len(maps) == 0:
        return heatmaps_to_keypoints(maps, boxes)[:, :, [0, 1, 3]]
    maps = maps.contiguous()
    sizes = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1)
    pixels = sizes.ceil()
    peaks = [_peaks(each, int(height), int(width)) for each, (width, height) in zip(maps, pixels.tolist(), strict=True)]
    values, places = (torch.stack(part) for part in zip(*peaks, strict=True))
    points = (places.float() + 0.5) * (sizes / pixels)[:, None] + boxes[:, None, :2]
    scores = 1 / (maps - values[..., None, None]).exp_().sum((2, 3))
    return torch.cat([points, scores[..., None]], dim=2)


def _peaks(maps: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Values (K,) float32 and places x, y (K, 2) int64 of the highest pixels of (K, S, S) maps upsampled."""
    if height < maps.shape[1]:
        return _whole(maps, height, width)
    spans, rows = find_contenders(maps.numpy(), height, width)
    values, places = _decide(maps, torch.from_numpy(spans[:, :2]), torch.from_numpy(rows), height, width)
    crowded = np.flatnonzero((spans[:, 2:] - spans[:, :2]).max(1) > CONTENDERS)
    if len(crowded):
        values[crowded], places[crowded] = _whole(maps[crowded], height, width)
    return values, places


def _whole(maps: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The same, by upsampling the whole maps."""
    values, best = _upsample(maps, height, width).flatten(1).max(1)
    return values, torch.stack([best % width, best // width], dim=1)


def _decide(maps: Tensor, corners: Tensor, rows: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The same, from the 2x2 pixels at `corners`, y, x (K, 2) int64, which read cells from `rows` (K,) int64 on."""
    each = torch.arange(len(maps))[:, None]
    rows = rows.clamp(max=maps.shape[1] - ROWS)[:, None] + torch.arange(ROWS)
    ys = (corners[:, :1] + torch.arange(CONTENDERS)).clamp(max=height - 1)
    xs = (corners[:, 1:] + torch.arange(CONTENDERS)).clamp(max=width - 1)
    strips = _upsample(maps[each, rows], ROWS, width).gather(2, xs[:, None].expand(-1, ROWS, -1))
    columns = maps.new_zeros(len(maps), maps.shape[1], CONTENDERS)
    columns[each, rows] = strips
    pixels = _upsample(columns, height, CONTENDERS).gather(1, ys[:, :, None].expand(-1, -1, CONTENDERS))
    values, best = pixels.flatten(1).max(1)
    best = best[:, None]
    return values, torch.cat([xs.gather(1, best % CONTENDERS), ys.gather(1, best // CONTENDERS)], dim=1)


def _upsample(maps: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(maps[None], (height, width), mode="bicubic", align_corners=False)[0]
