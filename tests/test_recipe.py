"""Each number of the recipe has a source, and is the one that trains: in params, detectron2's config, model, optimizer.

A source begins with one of these:

paper: arXiv 1901.07973, by the heading of its paragraph.
Detectron: github.com/facebookresearch/Detectron (commit 04155a0), on which the authors built; "baselines" are its
    configs/12_2017_baselines.
repository: github.com/switchablenorms/DeepFashion2; "issue" is one of its issues, answered by the authors.
chosen: none of them says.
differs: one of them says something else, namely this; such words may also follow another source.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import yaml
from detectron2.config import CfgNode, get_cfg
from torch import nn

from matchrcnn.config import InferenceParams, ModelParams, RetrievalParams, RunConfig, TrainingParams, load_params
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.detectron2_config import to_detectron2
from matchrcnn.paths import flatten
from matchrcnn.reporting.published import PUBLISHED, RELEASED, published, published_on
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import TASKS, TOP_K
from matchrcnn.training.loop import build_optimizer
from matchrcnn.training.schedule import build_schedule

ROOT = Path(__file__).parents[1]
PRESETS = {name: load_params(ROOT / "pipelines" / f"{name}.yaml") for name in ("paper", "single_gpu", "sample")}
SECTIONS = {
    "model": ModelParams,
    "training": TrainingParams,
    "inference": InferenceParams,
    "retrieval": RetrievalParams,
}

each_run = pytest.mark.parametrize(
    ("preset", "run"), [(preset, run) for preset, params in PRESETS.items() for run in params.runs]
)

Values = dict[str, Any]
"""A run's parameters by section and key, as `model.norm`."""


class Row(NamedTuple):
    """A parameter: the paper preset's value and its source; where the sample preset's differs, that and why."""

    value: Any
    source: str
    sample: Any = None
    why: str = ""


SMALL = "chosen: small enough for two CPU cores"
PARAMETERS = {
    "model.backbone": Row("resnet50_fpn", "paper, Structure: ResNet50 and FPN", "small_fpn", SMALL),
    "model.stem_channels": Row(64, "Detectron ResNet.py: basic_bn_stem", 16, SMALL),
    "model.initial_weights": Row(
        {"file": "data/R-50.pkl", "sha256": None}, "Detectron baselines: MSRA/R-50.pkl", None, "chosen: from scratch"
    ),
    "model.norm": Row("FrozenBN", "Detectron ResNet.py: AffineChannel", "BN", "chosen: frozen diverges from scratch"),
    "model.freeze_at": Row(2, "Detectron config.py: TRAIN.FREEZE_AT", 0, "chosen: from scratch"),
    "model.stride_in_1x1": Row(True, "Detectron config.py: RESNETS.STRIDE_1X1", False, "chosen"),
    "model.pixel_format": Row("BGR", "Detectron: OpenCV's order, as MSRA/R-50.pkl", "RGB", "chosen"),
    "model.pixel_mean": Row(
        (103.53, 116.28, 123.675),
        "differs: Detectron has 102.9801, 115.9465, 122.7717; detectron2's R-50.pkl has these",
        (123.675, 116.28, 103.53),
        "chosen: the same in RGB",
    ),
    "model.pixel_std": Row(
        (1.0, 1.0, 1.0), "Detectron blob.py: means alone", (58.395, 57.12, 57.375), "chosen: ImageNet's, RGB"
    ),
    "model.shorter_edge": Row(800, "paper, Implementation; differs: Detectron's s1x has 640 to 800", 128, SMALL),
    "model.longer_edge": Row(1333, "paper, Implementation", 208, SMALL),
    "model.fpn_channels": Row(256, "Detectron config.py: FPN.DIM", 32, SMALL),
    "model.finest_level": Row(2, "Detectron config.py: FPN.RPN_MIN_LEVEL, ROI_MIN_LEVEL", 3, SMALL),
    "model.anchor_sizes": Row(
        (32, 64, 128, 256, 512), "Detectron config.py: FPN.RPN_ANCHOR_START_SIZE", (24, 48, 80, 120), SMALL
    ),
    "model.anchor_ratios": Row((0.5, 1.0, 2.0), "Detectron config.py: FPN.RPN_ASPECT_RATIOS"),
    "model.proposals_before_nms": Row(
        (2000, 1000), "Detectron baselines: RPN_PRE_NMS_TOP_N of TRAIN and TEST", (200, 100), SMALL
    ),
    "model.proposals_after_nms": Row(
        (1000, 1000),
        "differs: Detectron has RPN_POST_NMS_TOP_N 2000 in TRAIN, for the images of a GPU together; 1000 in TEST",
        (80, 40),
        SMALL,
    ),
    "model.anchors_per_image": Row(256, "Detectron config.py: TRAIN.RPN_BATCH_SIZE_PER_IM", 128, SMALL),
    "model.rois_per_image": Row(512, "Detectron baselines: TRAIN.BATCH_SIZE_PER_IM", 64, SMALL),
    "model.positive_fraction": Row(0.25, "Detectron config.py: TRAIN.FG_FRACTION", 0.5, "chosen: there are few"),
    "model.box_fc": Row(1024, "Detectron config.py: FAST_RCNN.MLP_HEAD_DIM", 128, SMALL),
    "model.class_agnostic": Row(
        False, "Detectron config.py: MODEL.CLS_AGNOSTIC_BBOX_REG, MRCNN.CLS_SPECIFIC_MASK", True, SMALL
    ),
    "model.mask_convs": Row(4, "paper, Structure; Detectron baselines: v1up4convs", 2, SMALL),
    "model.mask_channels": Row(256, "Detectron config.py: MRCNN.DIM_REDUCED", 32, SMALL),
    "model.landmark_convs": Row(8, "paper, Structure; Detectron baselines: KRCNN.NUM_STACKED_CONVS"),
    "model.landmark_channels": Row(512, "Detectron baselines: KRCNN.CONV_HEAD_DIM; issue 14", 32, SMALL),
    "training.epochs_1x": Row(12, "paper, Implementation", 6, SMALL),
    "training.drops_1x": Row(
        (8, 11), "paper, Implementation; differs: Detectron has 60k and 80k of 90k", (4, 5), "chosen: unused by cosine"
    ),
    "training.decay": Row("step", "paper, Implementation", "cosine", "chosen: a short training profits"),
    "training.optimizer": Row("sgd", "paper, Implementation", "adamw", "chosen: a third of SGD's time"),
    "training.minibatch": Row(16, "paper, Implementation: 8 GPUs with 2 images", 4, SMALL),
    "training.base_lr": Row(0.02, "paper, Implementation", 2e-3, "chosen: AdamW's"),
    "training.base_minibatch": Row(16, "paper, Implementation: the minibatch of 0.02", 4, SMALL),
    "training.momentum": Row(0.9, "paper, Implementation"),
    "training.weight_decay": Row(
        1e-5, "paper, Implementation; differs: Detectron baselines have 1e-4", 1e-4, "chosen: AdamW's"
    ),
    "training.warmup_iterations": Row(500, "Detectron config.py: SOLVER.WARM_UP_ITERS", 50, SMALL),
    "training.warmup_factor": Row(0.3333333333333333, "Detectron config.py: SOLVER.WARM_UP_FACTOR", 0.1, "chosen"),
    "training.clip_gradient_norm": Row(None, "Detectron: no clipping", 10.0, "chosen: from scratch"),
    "training.diverged_above": Row(100.0, "chosen: stops what has diverged, changes no step"),
    "training.skip_unreadable": Row(False, "chosen: an image that cannot be read is an error"),
    "training.accumulate": Row(1, "Detectron: a step a minibatch"),
    "training.mixed_precision": Row(False, "Detectron: float32"),
    "training.flip": Row(True, "Detectron config.py: TRAIN.USE_FLIPPED"),
    "training.normalize_landmark_loss_by_visible": Row(
        True, "Detectron config.py: KRCNN.NORMALIZE_BY_VISIBLE_KEYPOINTS"
    ),
    "training.log_every": Row(100, "chosen: changes no step", 50, "chosen"),
    "training.validate_every_epochs": Row(1, "chosen: changes no step", 4, "chosen"),
    "training.validation_images": Row(512, "chosen: changes no step", 64, "chosen"),
    "training.checkpoint_every": Row(1000, "chosen: changes no step", 250, "chosen"),
    "inference.score_threshold": Row(0.05, "Detectron config.py: TEST.SCORE_THRESH"),
    "inference.nms_threshold": Row(0.5, "Detectron baselines: TEST.NMS"),
    "inference.detections_per_image": Row(100, "Detectron config.py: TEST.DETECTIONS_PER_IM"),
    "inference.minibatch": Row(8, "chosen: speed alone"),
    "retrieval.variant": Row("class", "repository, table 8: one a run, see RUNS"),
    "retrieval.merged_mask_input": Row("convs", "chosen: no source describes mask+class; as pose+class"),
    "retrieval.widths": Row((256, 256, 256, 1024), "issue 31", (64, 64, 64, 256), SMALL),
    "retrieval.embedding": Row(256, "issue 31", 128, SMALL),
    "retrieval.rois_per_image": Row(8, "issues 12 and 17"),
    "retrieval.iou_threshold": Row(0.7, "issues 12 and 17"),
    "retrieval.loss_weights": Row(
        {"cls": 1.0, "box": 1.0, "landmarks": 1.0, "mask": 1.0, "pair": 1.0}, "chosen: never published"
    ),
    "retrieval.freeze": Row(False, "chosen: no source says whether; heads train in every variant (issue 14)"),
}
"""Every parameter that decides weights or results."""

PAIRS = {"training.minibatch": (16, "issue 17: pairs of 8 user and 8 shop images")}
TINY_PAIRS = {
    "training.epochs_1x": (3, SMALL),
    "training.minibatch": (16, "issue 17: pairs of 8 user and 8 shop images"),
    "training.base_minibatch": (16, "chosen: with the minibatch"),
    "training.log_every": (10, "chosen: there are few iterations"),
}
FROZEN = {"retrieval.freeze": (True, "chosen: the match network alone, on what the other runs have learnt")}
JOINT = {
    "training.base_lr": (1e-3, "chosen: it starts from trained weights"),
    "retrieval.loss_weights": (
        {"cls": 1.0, "box": 1.0, "landmarks": 1.0, "mask": 1.0, "pair": 4.0},
        "chosen: landmark maps alone tell too little about the cloth",
    ),
}
OWN: dict[tuple[str, str], dict[str, tuple[Any, str]]] = {
    ("single_gpu", "detection"): {"training.minibatch": (2, "paper, Implementation: 2 images a GPU")},
    ("single_gpu", "segmentation"): {"training.minibatch": (2, "paper, Implementation: 2 images a GPU")},
    ("single_gpu", "landmarks"): {"training.minibatch": (2, "paper, Implementation: 2 images a GPU")},
    ("single_gpu", "retrieval_class"): PAIRS,
    ("single_gpu", "retrieval_pose"): PAIRS,
    ("single_gpu", "retrieval_mask"): PAIRS,
    ("single_gpu", "retrieval_pose_class"): PAIRS,
    ("single_gpu", "retrieval_mask_class"): PAIRS,
    ("sample", "landmarks"): {"model.rois_per_image": (16, "chosen: 8 items an image show as much as 32")},
    ("sample", "retrieval_class"): TINY_PAIRS | FROZEN,
    ("sample", "retrieval_pose"): TINY_PAIRS | JOINT,
    ("sample", "retrieval_mask"): TINY_PAIRS | FROZEN,
    ("sample", "retrieval_pose_class"): TINY_PAIRS | FROZEN,
    ("sample", "retrieval_mask_class"): TINY_PAIRS | FROZEN,
}
"""What a preset or a run has instead, and why."""

RUNS = {
    # run: task, schedule (paper, Implementation), variant (repository, table 8), what the sample's starts from (chosen)
    "detection": ("detection", "2x", None, "initial"),
    "segmentation": ("segmentation", "2x", None, "initial"),
    "landmarks": ("landmarks", "s1x", None, "detection"),
    "retrieval_class": ("retrieval", "1x", "class", "detection"),
    "retrieval_pose": ("retrieval", "1x", "pose", "landmarks"),
    "retrieval_mask": ("retrieval", "1x", "mask", "segmentation"),
    "retrieval_pose_class": ("retrieval", "1x", "pose+class", "landmarks"),
    "retrieval_mask_class": ("retrieval", "1x", "mask+class", "segmentation"),
}
"""The runs of every preset. The others start from `initial`: paper, Implementation, speaks of no training before."""


def recipe(preset: str, run: str) -> Values:
    """What the tables say of a run."""
    small = preset == "sample"
    values = {key: row.sample if small and row.why else row.value for key, row in PARAMETERS.items()}
    values |= {key: value for key, (value, _) in OWN.get((preset, run), {}).items()}
    return values | {"retrieval.variant": RUNS[run][2]}


def config_of(preset: str, run: str) -> RunConfig:
    return PRESETS[preset].run(run)


@cache
def model_of(preset: str, run: str) -> nn.Module:
    return build_model(config_of(preset, run), torch.device("cpu"))


def plain(value: Any) -> Any:  # noqa: ANN401 (any value of a config)
    """Tuples as lists, and paths as text."""
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return str(value) if isinstance(value, Path) else value


# 1. params.yaml


def test_every_parameter_has_a_row_and_a_source() -> None:
    fields = {f"{section}.{key}" for section, params in SECTIONS.items() for key in params.model_fields}
    assert set(PARAMETERS) == fields
    known = ("paper", "Detectron", "repository", "issue", "chosen", "differs: ")
    sources = [row.source for row in PARAMETERS.values()] + [row.why for row in PARAMETERS.values() if row.why]
    sources += [source for own in OWN.values() for _, source in own.values()]
    sources += [source for _, source in DETECTRON2.values()]
    assert [source for source in sources if not source.startswith(known)] == []


@each_run
def test_a_run_has_the_values_of_the_table(preset: str, run: str) -> None:
    config = config_of(preset, run)
    found = {
        f"{section}.{key}": plain(value)
        for section in SECTIONS
        if (params := getattr(config, section))
        for key, value in params.model_dump().items()
    }
    sections = {path.partition(".")[0] for path in found}
    expected = {path: plain(value) for path, value in recipe(preset, run).items() if path.partition(".")[0] in sections}
    assert found == expected
    assert ("retrieval" in sections) == (RUNS[run][0] == "retrieval")


@pytest.mark.parametrize("preset", PRESETS)
def test_runs_are_the_papers_with_its_schedules(preset: str) -> None:
    assert list(PRESETS[preset].runs) == list(RUNS)
    for run, (task, schedule, _, start) in RUNS.items():
        config = config_of(preset, run)
        assert (config.task, config.schedule) == (task, schedule)
        assert config.init_from == (start if preset == "sample" else "initial")
        assert config.seed == 17


# 2. detectron2's config

Expected = Any
"""A value, or a function of a run's parameters that returns it."""


def levels(values: Values) -> range:
    return range(values["model.finest_level"], 6)


def of(key: str) -> Callable[[Values], Any]:
    """The parameter itself."""
    return lambda values: values[key]


def part(key: str, number: int) -> Callable[[Values], Any]:
    """One value of a parameter."""
    return lambda values: values[key][number]


def weight(name: str) -> Callable[[Values], Any]:
    return lambda values: values["retrieval.loss_weights"][name]


OURS = "chosen: our module, see its tests"
PARAMETER = "chosen: a parameter, its source is above"
STOCK_ALIGN = "differs: Detectron has RoIAlign without the half pixel (ROIAlign)"
STOCK_SAMPLING = "differs: Detectron baselines have ROI_XFORM_SAMPLING_RATIO 2"
DETECTRON2: dict[str, tuple[Expected, str]] = {
    "INPUT.FORMAT": (of("model.pixel_format"), PARAMETER),
    "MODEL.PIXEL_MEAN": (of("model.pixel_mean"), PARAMETER),
    "MODEL.PIXEL_STD": (of("model.pixel_std"), PARAMETER),
    "MODEL.BACKBONE.NAME": (lambda values: f"build_{values['model.backbone'].replace('50', '')}_backbone", PARAMETER),
    "MODEL.BACKBONE.FREEZE_AT": (of("model.freeze_at"), PARAMETER),
    "MODEL.RESNETS.DEPTH": (50, "paper, Structure"),
    "MODEL.RESNETS.OUT_FEATURES": (["res2", "res3", "res4", "res5"], "Detectron FPN.py"),
    "MODEL.RESNETS.STEM_OUT_CHANNELS": (of("model.stem_channels"), PARAMETER),
    "MODEL.RESNETS.RES2_OUT_CHANNELS": (
        lambda values: 4 * values["model.stem_channels"],
        "Detectron ResNet.py: 256 after 64",
    ),
    "MODEL.RESNETS.STRIDE_IN_1X1": (of("model.stride_in_1x1"), PARAMETER),
    "MODEL.RESNETS.NORM": (of("model.norm"), PARAMETER),
    "MODEL.FPN.IN_FEATURES": (lambda values: [f"res{level}" for level in levels(values)], "Detectron config.py: FPN"),
    "MODEL.FPN.OUT_CHANNELS": (of("model.fpn_channels"), PARAMETER),
    "MODEL.FPN.NORM": (
        lambda values: values["model.norm"].replace("FrozenBN", ""),
        "Detectron config.py: FPN.USE_GN False",
    ),
    "MODEL.FPN.FUSE_TYPE": ("sum", "Detectron FPN.py"),
    "MODEL.ANCHOR_GENERATOR.NAME": ("DefaultAnchorGenerator", "differs: Detectron generate_anchors.py rounds them"),
    "MODEL.ANCHOR_GENERATOR.SIZES": (lambda values: [[size] for size in values["model.anchor_sizes"]], PARAMETER),
    "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS": (lambda values: [values["model.anchor_ratios"]], PARAMETER),
    "MODEL.ANCHOR_GENERATOR.OFFSET": (0.0, "differs: Detectron generate_anchors.py has the middle of a cell"),
    "MODEL.PROPOSAL_GENERATOR.NAME": ("DrawingRPN", OURS),
    "MODEL.PROPOSAL_GENERATOR.MIN_SIZE": (0, "Detectron config.py: TRAIN.RPN_MIN_SIZE"),
    "MODEL.RPN.IN_FEATURES": (
        lambda values: [f"p{level}" for level in (*levels(values), 6)],
        "Detectron config.py: FPN",
    ),
    "MODEL.RPN.CONV_DIMS": ([-1], "Detectron FPN.py: one 3x3 of FPN.DIM"),
    "MODEL.RPN.BATCH_SIZE_PER_IMAGE": (of("model.anchors_per_image"), PARAMETER),
    "MODEL.RPN.PRE_NMS_TOPK_TRAIN": (part("model.proposals_before_nms", 0), PARAMETER),
    "MODEL.RPN.PRE_NMS_TOPK_TEST": (part("model.proposals_before_nms", 1), PARAMETER),
    "MODEL.RPN.POST_NMS_TOPK_TRAIN": (part("model.proposals_after_nms", 0), PARAMETER),
    "MODEL.RPN.POST_NMS_TOPK_TEST": (part("model.proposals_after_nms", 1), PARAMETER),
    "MODEL.RPN.NMS_THRESH": (0.7, "Detectron config.py: TRAIN.RPN_NMS_THRESH, TEST.RPN_NMS_THRESH"),
    "MODEL.RPN.POSITIVE_FRACTION": (0.5, "Detectron config.py: TRAIN.RPN_FG_FRACTION"),
    "MODEL.RPN.IOU_THRESHOLDS": ([0.3, 0.7], "Detectron config.py: TRAIN.RPN_NEGATIVE_, RPN_POSITIVE_OVERLAP"),
    "MODEL.RPN.IOU_LABELS": ([0, -1, 1], "Detectron config.py: neither between the thresholds"),
    "MODEL.RPN.BOUNDARY_THRESH": (-1, "differs: Detectron has TRAIN.RPN_STRADDLE_THRESH 0"),
    "MODEL.RPN.BBOX_REG_LOSS_TYPE": ("smooth_l1", "paper, Loss Functions"),
    "MODEL.RPN.SMOOTH_L1_BETA": (0.0, "differs: Detectron FPN.py has 1/9; paper: smooth"),
    "MODEL.RPN.BBOX_REG_LOSS_WEIGHT": (1.0, "Detectron FPN.py"),
    "MODEL.RPN.BBOX_REG_WEIGHTS": ((1.0, 1.0, 1.0, 1.0), "Detectron rpn.py"),
    "MODEL.RPN.LOSS_WEIGHT": (1.0, "Detectron FPN.py"),
    "MODEL.ROI_HEADS.NAME": ("DrawingROIHeads", OURS),
    "MODEL.ROI_HEADS.NUM_CLASSES": (13, "repository: 13 clothing categories"),
    "MODEL.ROI_HEADS.IN_FEATURES": (
        lambda values: [f"p{level}" for level in levels(values)],
        "Detectron config.py: FPN",
    ),
    "MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE": (of("model.rois_per_image"), PARAMETER),
    "MODEL.ROI_HEADS.POSITIVE_FRACTION": (of("model.positive_fraction"), PARAMETER),
    "MODEL.ROI_HEADS.IOU_THRESHOLDS": ([0.5], "Detectron config.py: TRAIN.FG_THRESH, BG_THRESH_HI"),
    "MODEL.ROI_HEADS.IOU_LABELS": ([0, 1], "Detectron config.py: TRAIN.BG_THRESH_LO 0"),
    "MODEL.ROI_HEADS.PROPOSAL_APPEND_GT": (True, "Detectron json_dataset.py: ground truth joins the proposals"),
    "MODEL.ROI_HEADS.SCORE_THRESH_TEST": (of("inference.score_threshold"), PARAMETER),
    "MODEL.ROI_HEADS.NMS_THRESH_TEST": (of("inference.nms_threshold"), PARAMETER),
    "TEST.DETECTIONS_PER_IMAGE": (of("inference.detections_per_image"), PARAMETER),
    "MODEL.ROI_BOX_HEAD.NAME": ("FastRCNNConvFCHead", "Detectron baselines: add_roi_2mlp_head"),
    "MODEL.ROI_BOX_HEAD.NUM_CONV": (0, "paper, Structure: two fc layers"),
    "MODEL.ROI_BOX_HEAD.NUM_FC": (2, "paper, Structure: two fc layers"),
    "MODEL.ROI_BOX_HEAD.FC_DIM": (of("model.box_fc"), PARAMETER),
    "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG": (of("model.class_agnostic"), PARAMETER),
    "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION": (7, "Detectron baselines: FAST_RCNN.ROI_XFORM_RESOLUTION"),
    "MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO": (0, STOCK_SAMPLING),
    "MODEL.ROI_BOX_HEAD.POOLER_TYPE": ("ROIAlignV2", STOCK_ALIGN),
    "MODEL.ROI_BOX_HEAD.BBOX_REG_LOSS_TYPE": ("smooth_l1", "paper, Loss Functions"),
    "MODEL.ROI_BOX_HEAD.SMOOTH_L1_BETA": (0.0, "differs: Detectron fast_rcnn_heads.py has 1; paper: smooth"),
    "MODEL.ROI_BOX_HEAD.BBOX_REG_LOSS_WEIGHT": (1.0, "Detectron fast_rcnn_heads.py"),
    "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS": ((10.0, 10.0, 5.0, 5.0), "Detectron config.py: MODEL.BBOX_REG_WEIGHTS"),
    "MODEL.ROI_BOX_HEAD.TRAIN_ON_PRED_BOXES": (False, "Detectron: heads learn on proposals"),
    "MODEL.ROI_MASK_HEAD.NAME": ("MaskRCNNConvUpsampleHead", "Detectron baselines: mask_rcnn_fcn_head_v1up4convs"),
    "MODEL.ROI_MASK_HEAD.NUM_CONV": (of("model.mask_convs"), PARAMETER),
    "MODEL.ROI_MASK_HEAD.CONV_DIM": (of("model.mask_channels"), PARAMETER),
    "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK": (of("model.class_agnostic"), PARAMETER),
    "MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION": (14, "Detectron baselines: MRCNN.ROI_XFORM_RESOLUTION"),
    "MODEL.ROI_MASK_HEAD.POOLER_SAMPLING_RATIO": (0, STOCK_SAMPLING),
    "MODEL.ROI_MASK_HEAD.POOLER_TYPE": ("ROIAlignV2", STOCK_ALIGN),
    "MODEL.ROI_KEYPOINT_HEAD.NAME": ("CategoryLandmarkHead", OURS),
    "MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS": (
        lambda values: [values["model.landmark_channels"]] * values["model.landmark_convs"],
        PARAMETER,
    ),
    "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS": (294, "repository: 294 landmarks in all"),
    "MODEL.ROI_KEYPOINT_HEAD.POOLER_RESOLUTION": (14, "Detectron baselines: KRCNN.ROI_XFORM_RESOLUTION"),
    "MODEL.ROI_KEYPOINT_HEAD.POOLER_SAMPLING_RATIO": (0, STOCK_SAMPLING),
    "MODEL.ROI_KEYPOINT_HEAD.POOLER_TYPE": ("ROIAlignV2", STOCK_ALIGN),
    "MODEL.ROI_KEYPOINT_HEAD.MIN_KEYPOINTS_PER_IMAGE": (
        0,
        "differs: Detectron voids a minibatch of less than 20; images without landmarks have boxes to learn",
    ),
    "MODEL.ROI_KEYPOINT_HEAD.NORMALIZE_LOSS_BY_VISIBLE_KEYPOINTS": (
        of("training.normalize_landmark_loss_by_visible"),
        PARAMETER,
    ),
    "MODEL.ROI_KEYPOINT_HEAD.LOSS_WEIGHT": (1.0, "Detectron config.py: KRCNN.LOSS_WEIGHT"),
}
"""Every setting of detectron2 that we set or rely on."""

MATCH_NETWORK: dict[str, Expected] = {
    "MODEL.MATCH_NETWORK.VARIANT": of("retrieval.variant"),
    "MODEL.MATCH_NETWORK.MERGED_MASK_INPUT": of("retrieval.merged_mask_input"),
    "MODEL.MATCH_NETWORK.WIDTHS": of("retrieval.widths"),
    "MODEL.MATCH_NETWORK.EMBEDDING": of("retrieval.embedding"),
    "MODEL.MATCH_NETWORK.ROIS_PER_IMAGE": of("retrieval.rois_per_image"),
    "MODEL.MATCH_NETWORK.IOU_THRESHOLD": of("retrieval.iou_threshold"),
    "MODEL.MATCH_NETWORK.FREEZE": of("retrieval.freeze"),
    "MODEL.MATCH_NETWORK.LOSS_WEIGHTS.loss_cls": weight("cls"),
    "MODEL.MATCH_NETWORK.LOSS_WEIGHTS.loss_box_reg": weight("box"),
    "MODEL.MATCH_NETWORK.LOSS_WEIGHTS.loss_keypoint": weight("landmarks"),
    "MODEL.MATCH_NETWORK.LOSS_WEIGHTS.loss_mask": weight("mask"),
    "MODEL.MATCH_NETWORK.LOSS_WEIGHTS.loss_pair": weight("pair"),
}
HEADS = {  # paper, Implementation, and issue 14: what learns in each task
    "detection": {"MODEL.META_ARCHITECTURE": "DetectionRCNN", "MODEL.MASK_ON": False, "MODEL.KEYPOINT_ON": False},
    "segmentation": {"MODEL.META_ARCHITECTURE": "DetectionRCNN", "MODEL.MASK_ON": True, "MODEL.KEYPOINT_ON": False},
    "landmarks": {"MODEL.META_ARCHITECTURE": "DetectionRCNN", "MODEL.MASK_ON": False, "MODEL.KEYPOINT_ON": True},
    "retrieval": {"MODEL.META_ARCHITECTURE": "MatchRCNN", "MODEL.MASK_ON": True, "MODEL.KEYPOINT_ON": True},
}


def expected_settings(preset: str, run: str) -> dict[str, Any]:
    """What the tables say of detectron2's config of a run."""
    task, values = RUNS[run][0], recipe(preset, run)
    table = {path: value for path, (value, _) in DETECTRON2.items()} | HEADS[task]
    table |= MATCH_NETWORK if task == "retrieval" else {}
    return {path: plain(value(values) if callable(value) else value) for path, value in table.items()}


def settings(cfg: CfgNode) -> dict[str, Any]:
    return {path: plain(value) for path, value in flatten(cfg, ".").items()}


@each_run
def test_detectron2_gets_the_values_of_the_table(preset: str, run: str) -> None:
    found, expected = settings(to_detectron2(config_of(preset, run))), expected_settings(preset, run)
    assert {path: found.get(path) for path in expected} == expected
    stock = settings(get_cfg())
    changed = {path for path, value in found.items() if path not in stock or stock[path] != value}
    assert changed - set(expected) == set(), "a setting that differs from stock detectron2's has no row"


# 3. the built model


def built(model: nn.Module) -> dict[str, Any]:
    """What the modules compute with, under the name of the setting that it comes from."""
    rpn, heads, predictor = model.proposal_generator, model.roi_heads, model.roi_heads.box_predictor
    anchors = list(rpn.anchor_generator.cell_anchors)
    poolers = {"BOX": heads.box_pooler, "MASK": heads.mask_pooler, "KEYPOINT": heads.keypoint_pooler}
    found = {
        "MODEL.PIXEL_MEAN": model.pixel_mean.flatten().tolist(),
        "MODEL.PIXEL_STD": model.pixel_std.flatten().tolist(),
        "MODEL.ANCHOR_GENERATOR.SIZES": [
            sorted({round(float(((b[2] - b[0]) * (b[3] - b[1])) ** 0.5), 3) for b in cell}) for cell in anchors
        ],
        "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS": [[round(float((b[3] - b[1]) / (b[2] - b[0])), 3) for b in anchors[0]]],
        "MODEL.ANCHOR_GENERATOR.OFFSET": rpn.anchor_generator.offset,
        "MODEL.RPN.PRE_NMS_TOPK_TRAIN": rpn.pre_nms_topk[True],
        "MODEL.RPN.PRE_NMS_TOPK_TEST": rpn.pre_nms_topk[False],
        "MODEL.RPN.POST_NMS_TOPK_TRAIN": rpn.post_nms_topk[True],
        "MODEL.RPN.POST_NMS_TOPK_TEST": rpn.post_nms_topk[False],
        "MODEL.RPN.NMS_THRESH": rpn.nms_thresh,
        "MODEL.RPN.BATCH_SIZE_PER_IMAGE": rpn.batch_size_per_image,
        "MODEL.RPN.POSITIVE_FRACTION": rpn.positive_fraction,
        "MODEL.RPN.IOU_THRESHOLDS": rpn.anchor_matcher.thresholds[1:-1],
        "MODEL.RPN.IOU_LABELS": rpn.anchor_matcher.labels,
        "MODEL.RPN.BOUNDARY_THRESH": rpn.anchor_boundary_thresh,
        "MODEL.RPN.BBOX_REG_LOSS_TYPE": rpn.box_reg_loss_type,
        "MODEL.RPN.SMOOTH_L1_BETA": rpn.smooth_l1_beta,
        "MODEL.RPN.BBOX_REG_WEIGHTS": rpn.box2box_transform.weights,
        "MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE": heads.batch_size_per_image,
        "MODEL.ROI_HEADS.POSITIVE_FRACTION": heads.positive_fraction,
        "MODEL.ROI_HEADS.IOU_THRESHOLDS": heads.proposal_matcher.thresholds[1:-1],
        "MODEL.ROI_HEADS.IOU_LABELS": heads.proposal_matcher.labels,
        "MODEL.ROI_HEADS.PROPOSAL_APPEND_GT": heads.proposal_append_gt,
        "MODEL.ROI_HEADS.SCORE_THRESH_TEST": predictor.test_score_thresh,
        "MODEL.ROI_HEADS.NMS_THRESH_TEST": predictor.test_nms_thresh,
        "TEST.DETECTIONS_PER_IMAGE": predictor.test_topk_per_image,
        "MODEL.ROI_BOX_HEAD.BBOX_REG_LOSS_TYPE": predictor.box_reg_loss_type,
        "MODEL.ROI_BOX_HEAD.SMOOTH_L1_BETA": predictor.smooth_l1_beta,
        "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS": predictor.box2box_transform.weights,
        "MODEL.ROI_BOX_HEAD.TRAIN_ON_PRED_BOXES": heads.train_on_pred_boxes,
        "MODEL.ROI_KEYPOINT_HEAD.LOSS_WEIGHT": heads.keypoint_head.loss_weight,
        "MODEL.ROI_KEYPOINT_HEAD.NORMALIZE_LOSS_BY_VISIBLE_KEYPOINTS": heads.keypoint_head.loss_normalizer == "visible",
        "MODEL.MATCH_NETWORK.ROIS_PER_IMAGE": model.rois_per_image,
        "MODEL.MATCH_NETWORK.IOU_THRESHOLD": model.iou_threshold,
        "MODEL.MATCH_NETWORK.FREEZE": model.freeze,
    }
    found |= {f"MODEL.MATCH_NETWORK.LOSS_WEIGHTS.{name}": value for name, value in model.loss_weights.items()}
    for name, pooler in poolers.items():
        found[f"MODEL.ROI_{name}_HEAD.POOLER_RESOLUTION"] = pooler.output_size[0]
        found[f"MODEL.ROI_{name}_HEAD.POOLER_SAMPLING_RATIO"] = pooler.level_poolers[0].sampling_ratio
    return {path: plain(value) for path, value in found.items()}


@pytest.mark.parametrize(("preset", "run"), [("paper", "retrieval_pose_class"), ("sample", "retrieval_pose")])
def test_the_model_computes_with_the_values_of_the_table(preset: str, run: str) -> None:
    found, expected = built(model_of(preset, run)), expected_settings(preset, run)
    assert set(found) <= set(expected)
    for path, value in found.items():
        assert value == (pytest.approx(expected[path]) if path.startswith("MODEL.PIXEL") else expected[path]), path


# 4. the optimizer and its rate

ALL_STREAMS = [("paper", "retrieval_pose_class"), ("single_gpu", "retrieval_pose_class"), ("sample", "retrieval_pose")]
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm)


@pytest.mark.parametrize(("preset", "run"), [*ALL_STREAMS, ("paper", "detection"), ("single_gpu", "detection")])
def test_every_parameter_is_stepped_as_the_table_says(preset: str, run: str) -> None:
    values, config = recipe(preset, run), config_of(preset, run)
    model = model_of("paper" if preset == "single_gpu" else preset, run)
    optimizer = build_optimizer(model, config.training)
    groups = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    rate = values["training.base_lr"] * values["training.minibatch"] / values["training.base_minibatch"]
    seen = set()
    for module in model.modules():
        for kind, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            group, is_norm = groups.pop(id(parameter)), isinstance(module, NORMS)
            seen.add("norm" if is_norm else kind)
            assert group["lr"] == pytest.approx(rate)
            # chosen: norms do not decay; differs for biases: Detectron has twice the rate and no decay
            assert group["weight_decay"] == (0 if is_norm else values["training.weight_decay"])
            if values["training.optimizer"] == "sgd":  # Detectron optimizer.py: MomentumSGDUpdate, without Nesterov
                momentum = (group["momentum"], group["dampening"], group["nesterov"])
                assert momentum == (values["training.momentum"], 0, False)
            else:
                assert group["betas"] == (values["training.momentum"], 0.999)
    assert not groups
    assert seen >= {"weight", "bias"} | ({"norm"} if "retrieval" in run else set())
    assert type(optimizer).__name__.lower() == values["training.optimizer"]


@each_run
def test_the_rate_warms_up_and_falls_as_the_table_says(preset: str, run: str) -> None:
    values, config = recipe(preset, run), config_of(preset, run)
    schedule = build_schedule(config.schedule, config.training, 191_961)
    peak = values["training.base_lr"] * values["training.minibatch"] / values["training.base_minibatch"]
    start = schedule.lr_at(0) / peak
    assert start == pytest.approx(values["training.warmup_factor"])
    warm = values["training.warmup_iterations"]
    assert schedule.lr_at(warm // 2) / peak == pytest.approx((1 + start) / 2, rel=1e-3)
    assert schedule.lr_at(warm) / peak == pytest.approx(1, rel=1e-3)
    if values["training.decay"] == "step":  # paper, Implementation: two drops by a factor of 0.1
        rates = [schedule.lr_at(drop + after) / peak for drop in schedule.drops for after in (-1, 0)]
        assert rates == pytest.approx([1, 0.1, 0.1, 0.01])
        assert schedule.lr_at(schedule.iterations - 1) / peak == pytest.approx(0.01)


# 5. the published results

PRINTED = Path(__file__).parent / "data_files/published_tables.yaml"
VISIBILITIES = ("landmarks_visible", "landmarks_visible_and_occluded")
TABLES = {
    # a table of its source: the task and key of published.yaml, and the score that each line of a row is of
    "table_2": ("detection", "released", ("box",)),
    "table_3": ("detection", "full_data", ("box",)),
    "table_4": ("landmarks", "released", VISIBILITIES),
    "table_5": ("landmarks", "full_data", VISIBILITIES),
    "table_6": ("segmentation", "released", ("mask",)),
    "table_7": ("segmentation", "full_data", ("mask",)),
    "table_8": ("retrieval", "released", ("retrieval/detected_box",)),
    "table_9": ("retrieval", "full_data", ("retrieval/ground_truth_box", "retrieval/detected_box")),
    "paper_table_4": ("segmentation", "paper_table_4", ("mask",)),
}
VARIANT_OF = {"keypoints": "pose", "segmentation": "mask", "class+keys": "pose+class", "class+seg": "mask+class"}
"""Names of table 8 that are not those of table 9."""

CHECKSUM = "b0b5dd26051e689da99899133826611559d8fd861caa967488f198ea9773303a"
"""SHA-256 of the paths and numbers of published.yaml as JSON. Sources: those of tests/data_files/published_tables.yaml,
and for `best_known` the papers that it names."""


def columns(task: str, origin: str, row: str) -> list[str]:
    """Columns of a row of a printed table, as paths below a score."""
    if task == "retrieval":
        top_20 = [f"{subset}/top20" for subset in COLUMNS[:-1]]
        overall = TOP_K if origin == "released" else ("top1", "top10", "top20")
        return (top_20 if origin != "released" else []) + [f"overall/{k}" for k in overall]
    if origin == "released":
        return ["overall/AP", "overall/AP50", "overall/AP75"]
    return [f"{column}/{row}" for column in COLUMNS]


def printed() -> Iterator[tuple[tuple[str, ...], float]]:
    """Cells of the printed tables: task, origin, variant and path, and the number."""
    tables = yaml.safe_load(PRINTED.read_text())
    assert tables.keys() == TABLES.keys()
    for table, (task, origin, scores) in TABLES.items():
        for row, lines in tables[table].items():
            variant = VARIANT_OF.get(row, row) if task == "retrieval" else ""
            for score, line in zip(scores, lines, strict=True):
                for column, number in zip(columns(task, origin, row), line, strict=True):
                    yield (task, origin, variant, f"{score}/{column}"), number


def test_published_results_are_those_of_the_printed_tables() -> None:
    found = {
        (task.name, row.origin, row.variant, path): number
        for task in TASKS.values()
        for row in published(task)
        for path, number in row.values.items()
    }
    assert found == dict(printed())


def test_no_cell_of_published_results_was_edited() -> None:
    cells = {path: value for path, value in flatten(PUBLISHED).items() if path != "columns" and path[-3:] != "/by"}
    text = json.dumps(cells, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == CHECKSUM


@pytest.mark.parametrize("preset", ["paper", "single_gpu"])
def test_a_run_has_to_reach_the_published_numbers_less_a_hundredth(preset: str) -> None:
    thresholds = {}
    for run, (task, _, variant, _) in RUNS.items():
        (row,) = [row for row in published_on(TASKS[task], RELEASED) if row.variant == (variant or "")]
        paths = [path for path in row.values if path.rpartition("/")[2] in ("AP", "top1", "top20")]
        thresholds[run] = {path: pytest.approx(row.values[path] - 0.01, abs=1e-9) for path in paths}
    assert PRESETS[preset].check == thresholds
