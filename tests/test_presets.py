"""Every preset's model, loader and schedule are real, and the paper's derived numbers are the published ones."""

from pathlib import Path

import pytest
import torch

from matchrcnn.config import Params, load_params
from matchrcnn.data.loader import training_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.shares import Shares, check_shares
from matchrcnn.data.split import load_split
from matchrcnn.modeling.build import build_model
from matchrcnn.training.loop import build_optimizer
from matchrcnn.training.pair_training import training_batches
from matchrcnn.training.schedule import build_schedule

ROOT = Path(__file__).parents[1]
PRESETS = {path.stem: load_params(path) for path in sorted((ROOT / "pipelines").glob("*.yaml"))}
RELEASED = 191_961
"""Training images of the released half."""


def convolution(inputs: int, outputs: int, side: int = 3) -> int:
    """Weights and biases of a convolution."""
    return outputs * (inputs * side * side + 1)


def linear(inputs: int, outputs: int) -> int:
    """Weights and biases of a fully connected layer."""
    return convolution(inputs, outputs, side=1)


def bottlenecks(inputs: int, width: int, blocks: int) -> int:
    """A stage of ResNet-50 without its norms: 1x1, 3x3, 1x1 four times as wide, the first with a 1x1 shortcut."""
    first = inputs * width + 9 * width**2 + 4 * width**2 + inputs * 4 * width
    return first + (blocks - 1) * (4 * width**2 + 9 * width**2 + 4 * width**2)


# Layers as published; a frozen norm has no parameters, and its convolution no bias.
STREAMS = {
    # He et al. 2015, table 1: 7x7 of 64, then 3, 4, 6, 3 bottlenecks
    "backbone.bottom_up": 3 * 64 * 49
    + bottlenecks(64, 64, 3)
    + bottlenecks(256, 128, 4)
    + bottlenecks(512, 256, 6)
    + bottlenecks(1024, 512, 3),
    # Lin et al. 2017: a 1x1 from each of res2 to res5, and a 3x3 on each level; p6 is pooled
    "backbone.fpn": sum(linear(channels, 256) + convolution(256, 256) for channels in (256, 512, 1024, 2048)),
    # the same: one 3x3, 3 anchors a place, each with a score and 4 offsets
    "proposal_generator": convolution(256, 256) + linear(256, 3) + linear(256, 12),
    # Match R-CNN: 2 fc on 7x7x256, then one fc for 13 classes and background, and one for 13 boxes
    "roi_heads.box": linear(256 * 49, 1024) + linear(1024, 1024) + linear(1024, 14) + linear(1024, 52),
    # the same: 4 conv, 1 deconv (2x2, stride 2), 1 conv to a mask a class
    "roi_heads.mask": 4 * convolution(256, 256) + convolution(256, 256, side=2) + linear(256, 13),
    # the same: 8 conv of 512, 2 deconv, the first learned (4x4) and the second bilinear, 294 landmarks
    "roi_heads.keypoint": convolution(256, 512) + 7 * convolution(512, 512) + convolution(512, 294, side=4),
    # DeepFashion2 issue 31: 3 conv of 256, one of 1024, fc to 256 with batch norm; then fc to 2
    "match_network": 3 * convolution(256, 256) + convolution(256, 1024) + linear(1024, 256) + 2 * 256 + linear(256, 2),
}
PINNED = {
    "backbone.bottom_up": 23_454_912,
    "backbone.fpn": 3_344_384,
    "proposal_generator": 593_935,
    "roi_heads.box": 13_963_330,
    "roi_heads.mask": 2_626_061,
    "roi_heads.keypoint": 20_107_558,
    "match_network": 4_393_986,
}


def test_the_papers_streams_have_the_parameters_of_the_published_layers(paper_preset: Params) -> None:
    assert STREAMS == PINNED
    found = dict.fromkeys(STREAMS, 0)
    model = build_model(paper_preset.run("retrieval_class"), torch.device("cpu"))
    for name, parameter in model.named_parameters():
        (stream,) = [s for s in STREAMS if name.replace("backbone.fpn_", "backbone.fpn.").startswith(s)]
        found[stream] += parameter.numel()
    assert found == PINNED


@pytest.mark.parametrize(
    ("run", "iterations", "drops"),
    [
        ("detection", 287_942, (191_961, 263_947)),  # 2x: 24 epochs, a tenth after 16 and 22
        ("segmentation", 287_942, (191_961, 263_947)),
        ("landmarks", 207_958, (159_968, 191_961)),  # s1x: 13/9 of 1x, a tenth at 100/130 and 120/130
        ("retrieval_pose_class", 143_971, (95_981, 131_974)),  # 1x: 12 epochs, a tenth after 8 and 11
    ],
)
def test_the_papers_schedules_are_the_published_ones(
    paper_preset: Params, run: str, iterations: int, drops: tuple[int, int]
) -> None:
    config = paper_preset.run(run)
    schedule = build_schedule(config.schedule, config.training, RELEASED)
    assert (schedule.iterations, schedule.drops, schedule.lr) == (iterations, drops, 0.02)
    assert (schedule.warmup_iterations, schedule.warmup_factor) == (500, pytest.approx(1 / 3))
    assert paper_preset.hardware.processes == 8
    assert config.training.minibatch // paper_preset.hardware.processes == 2


def test_one_gpu_gets_the_papers_method() -> None:
    paper, single = PRESETS["paper"], PRESETS["single_gpu"]
    assert paper.runs.keys() == single.runs.keys()
    for name in paper.runs:
        many, one = paper.run(name), single.run(name)
        assert (one.model, one.retrieval, one.schedule) == (many.model, many.retrieval, many.schedule)
        epochs = [
            build_schedule(run.schedule, run.training, RELEASED).iterations * run.training.minibatch / RELEASED
            for run in (many, one)
        ]
        assert epochs[0] == pytest.approx(epochs[1], rel=1e-4)
        assert one.training.lr / one.training.minibatch == pytest.approx(0.02 / 16)
    assert single.hardware.processes * single.hardware.machines == 1


@pytest.mark.parametrize(
    ("preset", "run"), [(preset, run) for preset, params in PRESETS.items() for run in params.runs]
)
def test_every_runs_loader_and_schedule_are_built(preset: str, run: str, tiny_splits: dict) -> None:
    params = PRESETS[preset]
    config, entries = params.run(run), load_split(tiny_splits["train"]).annotated()
    count = params.hardware.processes * params.hardware.machines
    check_shares(config.training.minibatch, count, config.training.accumulate, 2 if config.retrieval else 1)
    shares = Shares(training_batches(config, entries), count - 1, count, config.training.accumulate)
    mapper = Mapper(config.model, config.training.flip, masks=True, landmarks=True)
    batch = next(iter(training_loader(entries, mapper, shares, workers=0)))
    assert len(batch) == config.training.minibatch // count
    for entry in batch:
        shorter, longer = sorted(entry["image"].shape[1:])
        assert shorter == config.model.shorter_edge or longer == config.model.longer_edge
    if config.retrieval:
        assert [entry["source"] for entry in batch] == ["user", "shop"] * (len(batch) // 2)
    schedule = build_schedule(config.schedule, config.training, len(entries))
    assert schedule.lr_at(0) == pytest.approx(config.training.lr * config.training.warmup_factor)
    assert schedule.iterations > 0


@pytest.mark.parametrize("run", ["detection", "segmentation", "landmarks", "retrieval_mask_class"])
@pytest.mark.parametrize("preset", ["paper", "sample"])
def test_every_tasks_model_and_optimizer_are_built(preset: str, run: str) -> None:
    config = PRESETS[preset].run(run)
    model = build_model(config, torch.device("cpu"))
    learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    optimizer = build_optimizer(model, config.training)
    assert sum(parameter.numel() for group in optimizer.param_groups for parameter in group["params"]) == learning
