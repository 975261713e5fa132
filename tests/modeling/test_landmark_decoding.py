"""Decoding near the peak beside detectron2's whole upsampled maps: the same bits."""

from collections.abc import Callable

import pytest
import torch
from detectron2.structures import heatmaps_to_keypoints
from torch import Tensor
from torch.nn import functional

from matchrcnn.modeling import landmark_decoding
from matchrcnn.modeling.landmark_decoding import decode_heatmaps
from matchrcnn.modeling.landmark_peaks import find_contenders

SIDE = 56


def noise(rois: int, maps: int, side: int = SIDE) -> Tensor:
    return torch.randn(rois, maps, side, side) * 5


def smooth(rois: int, maps: int) -> Tensor:
    """As the head makes them: twice as fine as they were computed."""
    return functional.interpolate(noise(rois, maps, SIDE // 2), scale_factor=2.0, mode="bilinear", align_corners=False)


def peaked(rois: int, maps: int) -> Tensor:
    """One hill a map, its top inside, on the border or outside."""
    cells = torch.arange(SIDE) - torch.rand(2, rois, maps, 1) * (SIDE + 10) + 5
    return 10 - 0.1 * (cells[0][..., None] ** 2 + cells[1][..., None, :] ** 2) + 0.02 * noise(rois, maps)


def mirrored(rois: int, maps: int) -> Tensor:
    """Two peaks of one height, far apart."""
    whole = smooth(rois, maps)
    return torch.maximum(whole, whole.flip(-1))


def flat(rois: int, maps: int) -> Tensor:
    return torch.full((rois, maps, SIDE, SIDE), 2.5)


def steps(rois: int, maps: int) -> Tensor:
    """Few values, many equals."""
    return torch.randint(-3, 4, (rois, maps, SIDE, SIDE)).float()


def corner(rois: int, maps: int) -> Tensor:
    whole = torch.zeros(rois, maps, SIDE, SIDE)
    whole[..., -1, -1] = 1
    whole[:, 0, 0, 0] = 2
    return whole


def far_from_zero(rois: int, maps: int) -> Tensor:
    return smooth(rois, maps) - 1000


def boxes(rois: int, smallest: float, largest: float) -> Tensor:
    corners = torch.rand(rois, 2) * 200 - 20
    return torch.cat([corners, corners + smallest + torch.rand(rois, 2) * (largest - smallest)], dim=1)


@pytest.mark.parametrize("sizes", [(0.0, 3.0), (2.0, 60.0), (50.0, 60.0), (60.0, 250.0)], ids=str)
@pytest.mark.parametrize("kind", [noise, smooth, peaked, mirrored, flat, steps, corner, far_from_zero])
def test_points_and_scores_have_the_bits_of_detectron2(kind: Callable, sizes: tuple[float, float]) -> None:
    torch.manual_seed(0)
    maps, rois = kind(8, 5), boxes(8, *sizes)
    expected = heatmaps_to_keypoints(maps, rois)[:, :, [0, 1, 3]]
    assert torch.equal(decode_heatmaps(maps, rois), expected)


@pytest.mark.parametrize("size", [(56, 56), (112, 168), (57, 1), (1, 400), (900, 640)], ids=str)
def test_sizes_at_which_pixels_fall_on_cells(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    roi = torch.tensor([[3.5, 4.25, 3.5 + size[1], 4.25 + size[0]]])
    for kind in (noise, smooth, steps):
        maps = kind(1, 3)
        assert torch.equal(decode_heatmaps(maps, roi), heatmaps_to_keypoints(maps, roi)[:, :, [0, 1, 3]])


def test_whole_maps_are_upsampled_only_where_many_pixels_contend(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    maps, roi = torch.cat([peaked(1, 20).clamp(min=-8), flat(1, 1)], dim=1), torch.tensor([[0, 0, 300.0, 200.0]])
    upsampled = []
    whole = landmark_decoding._whole
    monkeypatch.setattr(landmark_decoding, "_whole", lambda *args: upsampled.append(len(args[0])) or whole(*args))
    decode_heatmaps(maps, roi)
    assert sum(upsampled) <= 3


@pytest.mark.parametrize("kind", [noise, smooth, peaked, steps])
@pytest.mark.parametrize("size", [(56, 90), (133, 71), (20, 300)], ids=str)
def test_the_highest_pixel_is_among_the_contenders(kind: Callable, size: tuple[int, int]) -> None:
    torch.manual_seed(3)
    maps = kind(1, 30)[0]
    spans, rows = find_contenders(maps.numpy(), *size)
    whole = functional.interpolate(maps[None], size, mode="bicubic", align_corners=False)[0]
    for span, row, pixels in zip(spans.tolist(), rows, whole, strict=True):
        for y, x in (pixels == pixels.max()).nonzero().tolist():
            assert span[0] <= y < span[2]
            assert span[1] <= x < span[3]
        assert 0 <= row <= SIDE - 4


def test_maps_in_another_precision_are_left_to_detectron2() -> None:
    maps, roi = smooth(1, 4).double(), torch.tensor([[0, 0, 90.0, 70.0]]).double()
    assert torch.equal(decode_heatmaps(maps, roi), heatmaps_to_keypoints(maps, roi)[:, :, [0, 1, 3]])
