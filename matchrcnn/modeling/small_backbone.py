"""A small ResNet-FPN of the same architecture as ResNet50-FPN, for sample data on a CPU."""

from detectron2.config import CfgNode
from detectron2.layers import ShapeSpec
from detectron2.modeling import BACKBONE_REGISTRY
from detectron2.modeling.backbone import FPN, ResNet
from detectron2.modeling.backbone.fpn import LastLevelMaxPool
from detectron2.modeling.backbone.resnet import BasicBlock, BasicStem


@BACKBONE_REGISTRY.register()
def build_small_fpn_backbone(cfg: CfgNode, input_shape: ShapeSpec) -> FPN:
    """One basic block a stage, widths doubling from MODEL.RESNETS.STEM_OUT_CHANNELS, levels up to p6 at stride 64."""
    norm = cfg.MODEL.RESNETS.NORM
    width = cfg.MODEL.RESNETS.STEM_OUT_CHANNELS
    stem = BasicStem(in_channels=input_shape.channels, out_channels=width, norm=norm)
    stages, channels = [], width
    for stage in range(4):
        out = width * 2**stage
        block = BasicBlock(channels, out, stride=1 if stage == 0 else 2, norm=norm)
        stages.append([block])
        channels = out
    bottom_up = ResNet(stem, stages, out_features=["res2", "res3", "res4", "res5"])
    return FPN(
        bottom_up=bottom_up,
        in_features=cfg.MODEL.FPN.IN_FEATURES,
        out_channels=cfg.MODEL.FPN.OUT_CHANNELS,
        norm=cfg.MODEL.FPN.NORM,
        top_block=LastLevelMaxPool(),
    )
