"""The one translation of a run's configuration into a detectron2 config."""

from detectron2.config import CfgNode, get_cfg

from matchrcnn.config import ModelParams, RetrievalParams, RunConfig
from matchrcnn.modeling.match_rcnn import add_match_network_config
from matchrcnn.tasks import STREAMS, TASKS
from matchrcnn.taxonomy import NUM_CATEGORIES, NUM_LANDMARKS

BACKBONES = {"resnet50_fpn": "build_resnet_fpn_backbone", "small_fpn": "build_small_fpn_backbone"}


def to_detectron2(run: RunConfig) -> CfgNode:
    """A frozen detectron2 config that builds the run's model, streams by its task."""
    cfg = get_cfg()
    model = run.model
    cfg.MODEL.META_ARCHITECTURE = "DetectionRCNN"
    for stream in STREAMS.values():
        if stream.head:
            cfg.MODEL[stream.head] = stream in TASKS[run.task].learns
    cfg.INPUT.FORMAT = model.pixel_format
    cfg.MODEL.PIXEL_MEAN, cfg.MODEL.PIXEL_STD = list(model.pixel_mean), list(model.pixel_std)
    _backbone(cfg, model)
    _proposals(cfg, model)
    _streams(cfg, run)
    if run.retrieval is not None:
        cfg.MODEL.META_ARCHITECTURE = "MatchRCNN"
        _match_network(cfg, run.retrieval)
    cfg.freeze()
    return cfg


def _backbone(cfg: CfgNode, model: ModelParams) -> None:
    cfg.MODEL.BACKBONE.NAME = BACKBONES[model.backbone]
    cfg.MODEL.BACKBONE.FREEZE_AT = model.freeze_at
    cfg.MODEL.RESNETS.DEPTH = 50
    cfg.MODEL.RESNETS.OUT_FEATURES = ["res2", "res3", "res4", "res5"]
    cfg.MODEL.RESNETS.STEM_OUT_CHANNELS = model.stem_channels
    cfg.MODEL.RESNETS.RES2_OUT_CHANNELS = 4 * model.stem_channels
    cfg.MODEL.RESNETS.STRIDE_IN_1X1 = model.stride_in_1x1
    cfg.MODEL.RESNETS.NORM = model.norm
    cfg.MODEL.FPN.IN_FEATURES = [f"res{level}" for level in _levels(model)]
    cfg.MODEL.FPN.OUT_CHANNELS = model.fpn_channels
    # A frozen norm has statistics only where weights were loaded: FPN's are new, so they go without, as in Detectron.
    cfg.MODEL.FPN.NORM = "" if model.norm == "FrozenBN" else model.norm


def _levels(model: ModelParams) -> range:
    """Levels of the pyramid that RoIs are pooled from; proposals come from p6 as well."""
    return range(model.finest_level, 6)


def _proposals(cfg: CfgNode, model: ModelParams) -> None:
    cfg.MODEL.PROPOSAL_GENERATOR.NAME = "DrawingRPN"
    cfg.MODEL.ANCHOR_GENERATOR.SIZES = [[size] for size in model.anchor_sizes]
    cfg.MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS = [list(model.anchor_ratios)]
    cfg.MODEL.RPN.IN_FEATURES = [f"p{level}" for level in (*_levels(model), 6)]
    cfg.MODEL.RPN.BATCH_SIZE_PER_IMAGE = model.anchors_per_image
    cfg.MODEL.RPN.PRE_NMS_TOPK_TRAIN, cfg.MODEL.RPN.PRE_NMS_TOPK_TEST = model.proposals_before_nms
    cfg.MODEL.RPN.POST_NMS_TOPK_TRAIN, cfg.MODEL.RPN.POST_NMS_TOPK_TEST = model.proposals_after_nms


def _streams(cfg: CfgNode, run: RunConfig) -> None:
    model, heads = run.model, cfg.MODEL.ROI_HEADS
    heads.NAME = "DrawingROIHeads"
    heads.IN_FEATURES = [f"p{level}" for level in _levels(model)]
    heads.NUM_CLASSES = NUM_CATEGORIES
    heads.BATCH_SIZE_PER_IMAGE = model.rois_per_image
    heads.POSITIVE_FRACTION = model.positive_fraction
    heads.SCORE_THRESH_TEST = run.inference.score_threshold
    heads.NMS_THRESH_TEST = run.inference.nms_threshold
    cfg.TEST.DETECTIONS_PER_IMAGE = run.inference.detections_per_image
    box, mask, landmarks = cfg.MODEL.ROI_BOX_HEAD, cfg.MODEL.ROI_MASK_HEAD, cfg.MODEL.ROI_KEYPOINT_HEAD
    box.NAME, box.NUM_FC, box.FC_DIM, box.POOLER_RESOLUTION = "FastRCNNConvFCHead", 2, model.box_fc, 7
    box.CLS_AGNOSTIC_BBOX_REG = model.class_agnostic
    mask.NAME, mask.NUM_CONV, mask.POOLER_RESOLUTION = "MaskRCNNConvUpsampleHead", model.mask_convs, 14
    mask.CONV_DIM = model.mask_channels
    mask.CLS_AGNOSTIC_MASK = model.class_agnostic
    landmarks.NAME, landmarks.POOLER_RESOLUTION = "CategoryLandmarkHead", 14
    landmarks.CONV_DIMS = (model.landmark_channels,) * model.landmark_convs
    landmarks.NUM_KEYPOINTS = NUM_LANDMARKS
    landmarks.MIN_KEYPOINTS_PER_IMAGE = 0
    landmarks.NORMALIZE_LOSS_BY_VISIBLE_KEYPOINTS = run.training.normalize_landmark_loss_by_visible


def _match_network(cfg: CfgNode, retrieval: RetrievalParams) -> None:
    add_match_network_config(cfg)
    node, weights = cfg.MODEL.MATCH_NETWORK, retrieval.loss_weights
    node.VARIANT, node.MERGED_MASK_INPUT = retrieval.variant, retrieval.merged_mask_input
    node.WIDTHS, node.EMBEDDING = retrieval.widths, retrieval.embedding
    node.ROIS_PER_IMAGE, node.IOU_THRESHOLD = retrieval.rois_per_image, retrieval.iou_threshold
    node.FREEZE = retrieval.freeze
    node.LOSS_WEIGHTS.loss_cls, node.LOSS_WEIGHTS.loss_box_reg = weights.cls, weights.box
    node.LOSS_WEIGHTS.loss_keypoint, node.LOSS_WEIGHTS.loss_mask = weights.landmarks, weights.mask
    node.LOSS_WEIGHTS.loss_pair = weights.pair
