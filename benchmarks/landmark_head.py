"""The landmark head beside detectron2's stock keypoint head with 294 landmarks, same weights, in one run.

    python -m benchmarks.landmark_head                  at the paper's sizes: 8 conv of 512 on 256x14x14
    python -m benchmarks.landmark_head --rois 8 --detections 10     a quick look

Training is forward and backward on RoIs of four items in two images, drawn over the categories, 7 of 10 landmarks
labelled; a row for the part after the conv, that is deconvolution, upsampling and loss, and one for the whole head.
Decoding is from heat maps to points at 100 detections in an image whose shorter edge is 400 pixels, boxes of 10 to 60 %
of each edge; the points are compared bit for bit. Maps are those of random weights, on which many cells come near the
peak, and of one peak a map, as trained heads make them. Each time is the best of the repeats, the two ways in turn.
Memory is the peak above what lay there before: of the process on the CPU (Linux only), of the allocator on a GPU.
"""

import argparse
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import torch
from detectron2.layers import ShapeSpec
from detectron2.modeling.roi_heads import KRCNNConvDeconvUpsampleHead
from detectron2.structures import Boxes, Instances, Keypoints, heatmaps_to_keypoints
from detectron2.utils.events import EventStorage
from tabulate import tabulate
from torch import Tensor, nn
from torch.nn import functional

from matchrcnn.modeling.landmark_decoding import decode_heatmaps
from matchrcnn.modeling.landmark_head import CategoryLandmarkHead
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_LANDMARKS

CHANNELS, WIDTH, CONVS = 256, 512, 8
IMAGE = (533, 400)

clock = time.perf_counter

Measured = tuple[float, float]
"""Seconds and peak MiB."""


def main() -> None:
    """Measure the three parts and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rois", type=int, default=32, help="positive RoIs of a training step")
    parser.add_argument("--detections", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu-seconds", action="store_true", help="of all threads: where other work runs beside it")
    arguments = parser.parse_args()
    global clock
    clock = time.process_time if arguments.cpu_seconds else time.perf_counter
    torch.manual_seed(0)
    device = torch.device(arguments.device)
    rows = [
        *training_rows(arguments.rois, arguments.repeats, device),
        *decoding_rows(arguments.detections, device),
    ]
    headers = ["part", "way", "seconds", "times the stock's speed", "peak MiB", "of the stock's"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


def training_rows(rois: int, repeats: int, device: torch.device) -> list[list[str]]:
    """Forward and backward of the part after the conv and of the whole head."""
    narrow = training_instances(rois, device)
    instances = {"stock, 294 maps": [wide(image) for image in narrow], "own category": narrow}
    rows = []
    for part, channels, convs in (("after the conv, training", WIDTH, 0), ("whole head, training", CHANNELS, CONVS)):
        heads = dict(zip(instances, both_heads(channels, convs, device), strict=True))
        x = torch.randn(rois, channels, 14, 14, device=device, requires_grad=True)
        runs: dict[str, list[Measured]] = {way: [] for way in heads}
        for _ in range(repeats):
            for way, head in heads.items():
                runs[way].append(measured(training_step, head, x, instances[way]))
        rows += table_rows(part, {way: best(measures) for way, measures in runs.items()})
    return rows


def training_step(head: nn.Module, x: Tensor, instances: list[Instances]) -> None:
    """Loss and gradients of weights and features, which are left empty again."""
    with EventStorage():
        head.train()(x, instances)["loss_keypoint"].backward()
    head.zero_grad(set_to_none=True)
    x.grad = None


def decoding_rows(detections: int, device: torch.device) -> list[list[str]]:
    """From maps to points; the stock way on all 294 maps, on the category's, and ours."""
    boxes = random_boxes(detections, 0.1, 0.6).to(device)
    classes = torch.arange(detections) % len(CATEGORIES)
    rows = []
    for kind, maps in (("random weights", random_maps), ("one peak a map", peaked_maps)):
        whole = maps(detections).to(device)
        sliced = [
            (boxes[classes == c.id - 1], whole[classes == c.id - 1, c.landmarks].contiguous()) for c in CATEGORIES
        ]
        decode(decode_heatmaps, [(each[:1], own[:1]) for each, own in sliced])  # compiles
        expected, points = decode(stock_points, sliced), decode(decode_heatmaps, sliced)
        assert all(torch.equal(a, b) for a, b in zip(expected, points, strict=True)), "the points differ"
        measures = {
            "stock, 294 maps": measured(decode, stock_points, [(boxes, whole)]),
            "stock, own category": measured(decode, stock_points, sliced),
            "own category, near the peak": measured(decode, decode_heatmaps, sliced),
        }
        rows += table_rows(f"decoding, {kind}", measures)
    return rows


def decode(way: Callable[[Tensor, Tensor], Tensor], groups: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Points of each group of (boxes, maps)."""
    return [way(maps, boxes) for boxes, maps in groups]


def stock_points(maps: Tensor, boxes: Tensor) -> Tensor:
    """detectron2's points with the columns of ours."""
    return heatmaps_to_keypoints(maps, boxes)[:, :, [0, 1, 3]]


def random_maps(count: int) -> Tensor:
    """Maps as random weights make them: noise at half the resolution, (R, 294, 56, 56)."""
    return upsampled(torch.randn(count, NUM_LANDMARKS, 28, 28) * 5)


def peaked_maps(count: int) -> Tensor:
    """A hill on low noise in each map, (R, 294, 56, 56)."""
    cells = torch.arange(28) - torch.rand(2, count, NUM_LANDMARKS, 1) * 27
    hills = 10 - 0.3 * (cells[0][..., None] ** 2 + cells[1][..., None, :] ** 2)
    return upsampled(hills.clamp(min=-8) + 0.5 * torch.randn(count, NUM_LANDMARKS, 28, 28))


def upsampled(maps: Tensor) -> Tensor:
    """The head's fixed second deconvolution."""
    return functional.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)


def both_heads(channels: int, convs: int, device: torch.device) -> tuple[nn.Module, nn.Module]:
    """The stock head and ours with its weights."""
    shape = ShapeSpec(channels=channels, height=14, width=14)
    settings = {"num_keypoints": NUM_LANDMARKS, "conv_dims": (WIDTH,) * convs, "loss_normalizer": "visible"}
    stock, ours = KRCNNConvDeconvUpsampleHead(shape, **settings), CategoryLandmarkHead(shape, **settings)
    ours.load_state_dict(stock.state_dict())
    return stock.to(device), ours.to(device)


def training_instances(rois: int, device: torch.device) -> list[Instances]:
    """RoIs around two items in each of two images, with the labelled landmarks of their item."""
    images = []
    for part in torch.arange(rois).chunk(2):
        labels = torch.randint(len(CATEGORIES), (2,)).repeat_interleave((len(part) + 1) // 2)[: len(part)]
        boxes = random_boxes(2, 0.3, 0.6).repeat_interleave((len(part) + 1) // 2, dim=0)[: len(part)]
        points = item_landmarks(labels, boxes)
        images.append(Instances(IMAGE, proposal_boxes=Boxes(boxes + torch.randn(len(part), 4)), gt_classes=labels))
        images[-1].gt_keypoints = Keypoints(points)
    return [image.to(device) for image in images]


def item_landmarks(labels: Tensor, boxes: Tensor) -> Tensor:
    """Landmarks in the boxes, the same ones labelled for all RoIs of a category, (N, 39, 3)."""
    points = torch.zeros(len(labels), MAX_LANDMARKS, 3)
    labelled = torch.rand(len(CATEGORIES), MAX_LANDMARKS) < 0.7
    for row, label in enumerate(labels.tolist()):
        count = CATEGORIES[label].count
        points[row, :count, :2] = boxes[row, :2] + torch.rand(count, 2) * (boxes[row, 2:] - boxes[row, :2])
        points[row, :count, 2] = 2
        points[row] *= labelled[label][:, None]
    return points


def wide(image: Instances) -> Instances:
    """The same with rows of 294 landmarks."""
    points = torch.zeros(len(image), NUM_LANDMARKS, 3, device=image.gt_classes.device)
    for row, label in enumerate(image.gt_classes.tolist()):
        own = CATEGORIES[label]
        points[row, own.landmarks] = image.gt_keypoints.tensor[row, : own.count]
    return Instances(image.image_size, proposal_boxes=image.proposal_boxes, gt_keypoints=Keypoints(points))


def random_boxes(count: int, smallest: float, largest: float) -> Tensor:
    """Boxes inside the image, their sides in parts of its edges."""
    edges = torch.tensor([IMAGE[1], IMAGE[0]])
    sides = (smallest + torch.rand(count, 2) * (largest - smallest)) * edges
    corners = torch.rand(count, 2) * (edges - sides)
    return torch.cat([corners, corners + sides], dim=1)


def measured(work: Callable[..., object], *arguments: object) -> Measured:
    """Seconds and peak memory of a call."""
    before = _begin()
    start = clock()
    work(*arguments)
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return clock() - start, _peak() - before


def _begin() -> float:
    """Start a new peak; returns what is in use, MiB."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before must not serve unseen
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew at what is resident
    return _peak()


def _peak() -> float:
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 2**20
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def best(runs: list[Measured]) -> Measured:
    """The shortest time, the largest memory."""
    return min(run[0] for run in runs), max(run[1] for run in runs)


def table_rows(part: str, measures: dict[str, Measured]) -> list[list[str]]:
    """A row a way, with its ratios to the first."""
    (seconds, memory), *_ = measures.values()
    return [
        [part, way, f"{each[0]:.3f}", f"{seconds / each[0]:.1f}", f"{each[1]:.0f}", f"{each[1] / memory:.2f}"]
        for way, each in measures.items()
    ]


if __name__ == "__main__":
    main()
