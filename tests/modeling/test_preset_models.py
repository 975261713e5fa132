"""Every preset is real: its model builds, trains and predicts, and the paper's has the published shape."""

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances, PolygonMasks
from detectron2.utils.events import EventStorage

from matchrcnn.config import Params, RunConfig
from matchrcnn.modeling.build import build_model

CPU = torch.device("cpu")


def picture(run: RunConfig) -> dict:
    """One picture of the size that the run trains on, with an item."""
    height, width = run.model.shorter_edge, run.model.longer_edge
    instances = Instances((height, width))
    box = np.array([0.2 * width, 0.2 * height, 0.7 * width, 0.9 * height])
    instances.gt_boxes = Boxes(torch.tensor(box[None], dtype=torch.float32))
    instances.gt_classes = torch.tensor([3])
    instances.gt_masks = PolygonMasks([[box[[0, 1, 2, 1, 2, 3, 0, 3]]]])
    pixels = torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return {"image": pixels, "instances": instances, "height": height, "width": width}


@pytest.mark.parametrize("preset", ["sample_preset", pytest.param("paper_preset", marks=pytest.mark.slow)])
def test_segmentation_makes_two_steps_and_one_prediction(preset: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(preset).run("segmentation")
    model, entry = build_model(run, CPU).train(), picture(run)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    with EventStorage():
        for _ in range(2):
            losses = model([entry])
            assert set(losses) == {"loss_cls", "loss_box_reg", "loss_mask", "loss_rpn_cls", "loss_rpn_loc"}
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            assert all(torch.isfinite(loss) for loss in losses.values())
    with torch.no_grad():
        (output,) = model.eval()([entry])
    assert output["instances"].image_size == (entry["height"], entry["width"])
    assert output["instances"].has("pred_masks")


def test_the_papers_streams_have_the_published_shape(paper_preset: Params) -> None:
    model = build_model(paper_preset.run("segmentation"), CPU)
    heads = model.roi_heads
    assert [tuple(layer.weight.shape) for layer in heads.box_head.fcs] == [(1024, 256 * 7 * 7), (1024, 1024)]
    assert heads.box_predictor.cls_score.out_features == 14
    assert heads.box_predictor.bbox_pred.out_features == 4 * 13
    assert [tuple(layer.weight.shape) for layer in heads.mask_head.conv_norm_relus] == [(256, 256, 3, 3)] * 4
    assert heads.mask_head.predictor.out_channels == 13


def test_the_same_seed_builds_the_same_weights(sample_preset: Params) -> None:
    run = sample_preset.run("detection")
    one, same = (build_model(run, CPU).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
