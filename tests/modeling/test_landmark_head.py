"""The landmark head beside detectron2's stock head on all 294 maps: the same losses, gradients and points."""

import numpy as np
import pytest
import torch
from detectron2.config import CfgNode, get_cfg
from detectron2.layers import ShapeSpec
from detectron2.modeling.roi_heads import KRCNNConvDeconvUpsampleHead, build_keypoint_head
from detectron2.structures import Boxes, Instances, Keypoints, heatmaps_to_keypoints
from detectron2.utils.events import EventStorage

import matchrcnn.modeling.landmark_head as landmark_head
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_LANDMARKS

CHANNELS = 6
SHAPE = ShapeSpec(channels=CHANNELS, height=14, width=14)


def config(name: str, by_visible: bool = True) -> CfgNode:
    cfg = get_cfg()
    head = cfg.MODEL.ROI_KEYPOINT_HEAD
    head.NAME, head.NUM_KEYPOINTS, head.CONV_DIMS = name, NUM_LANDMARKS, (8, 8)
    head.NORMALIZE_LOSS_BY_VISIBLE_KEYPOINTS = by_visible
    head.LOSS_WEIGHT = 0.5
    return cfg


def heads(by_visible: bool = True) -> tuple[landmark_head.CategoryLandmarkHead, KRCNNConvDeconvUpsampleHead]:
    """Ours with the weights of a stock head, and that one."""
    torch.manual_seed(1)
    stock = build_keypoint_head(config("KRCNNConvDeconvUpsampleHead", by_visible), SHAPE)
    torch.nn.init.normal_(stock.score_lowres.bias)
    ours = build_keypoint_head(config("CategoryLandmarkHead", by_visible), SHAPE)
    ours.load_state_dict(stock.state_dict())
    return ours, stock


def items(classes: list[int], seed: int, labelled: float = 0.7) -> Instances:
    """RoIs of an image with landmarks in and around them; a share of the landmarks is labelled."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (len(classes), 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 150, (len(classes), 2))], axis=1)
    points = np.zeros((len(classes), MAX_LANDMARKS, 3))
    for row, label in enumerate(classes):
        count = CATEGORIES[label].count
        visible = rng.choice([0, 1, 2], count, p=[1 - labelled, labelled / 2, labelled / 2])
        places = boxes[row, :2] + rng.uniform(-0.1, 1.1, (count, 2)) * (boxes[row, 2:] - boxes[row, :2])
        points[row, :count] = np.concatenate([places, visible[:, None]], axis=1) * (visible[:, None] > 0)
    instances = Instances((300, 300))
    instances.proposal_boxes = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    instances.gt_classes = torch.tensor(classes, dtype=torch.int64)
    instances.gt_keypoints = Keypoints(torch.tensor(points, dtype=torch.float32))
    return instances


def wide(instances: Instances) -> Instances:
    """The same with rows of 294 landmarks, as the stock head reads them."""
    points = torch.zeros(len(instances), NUM_LANDMARKS, 3)
    for row, label in enumerate(instances.gt_classes.tolist()):
        category = CATEGORIES[label]
        points[row, category.landmarks] = instances.gt_keypoints.tensor[row, : category.count]
    other = Instances(instances.image_size, proposal_boxes=instances.proposal_boxes)
    other.gt_keypoints = Keypoints(points)
    return other


def loss_and_gradients(
    head: torch.nn.Module, x: torch.Tensor, instances: list[Instances]
) -> tuple[float, dict[str, torch.Tensor]]:
    x = x.clone().requires_grad_()
    head.train().zero_grad()
    with EventStorage():
        loss = head(x, instances)["loss_keypoint"]
    loss.backward()
    return loss.item(), {"x": x.grad} | {name: parameter.grad for name, parameter in head.named_parameters()}


def assert_same_training(images: list[Instances], by_visible: bool = True) -> float:
    ours, stock = heads(by_visible)
    x = torch.randn(sum(map(len, images)), CHANNELS, 14, 14, generator=torch.Generator().manual_seed(2))
    loss, gradients = loss_and_gradients(ours, x, images)
    expected, expected_gradients = loss_and_gradients(stock, x, [wide(each) for each in images])
    assert loss == pytest.approx(expected, rel=1e-5)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        # a softmax does not see the bias of its map: what either head holds there is rounding about an exact 0
        scale = 1 if name == "score_lowres.bias" else expected_gradients[name].abs().max().item()
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=1e-4, atol=1e-5 * scale)
    return loss


@pytest.mark.parametrize("by_visible", [True, False], ids=["by visible", "static"])
@pytest.mark.parametrize("label", range(13))
def test_loss_and_gradients_of_a_category_equal_the_stock_heads(label: int, by_visible: bool) -> None:
    assert assert_same_training([items([label] * 3, seed=label)], by_visible) > 0


@pytest.mark.parametrize("by_visible", [True, False], ids=["by visible", "static"])
def test_loss_and_gradients_of_mixed_images_equal_the_stock_heads(by_visible: bool) -> None:
    images = [items([3, 0, 3, 12], seed=1), items([], seed=2), items([7, 0], seed=3), items([9, 9], 4, labelled=0.0)]
    assert assert_same_training(images, by_visible) > 0


def without_annotations() -> Instances:
    """An image without a positive RoI, as detectron2 hands it on: classes, and no landmarks at all."""
    return Instances((50, 50), proposal_boxes=Boxes(torch.zeros(0, 4)), gt_classes=torch.zeros(0, dtype=torch.int64))


@pytest.mark.parametrize(
    "images",
    [
        [items([], seed=1)],
        [without_annotations(), without_annotations()],
        [items([2, 5], seed=1, labelled=0.0), without_annotations()],
    ],
    ids=["no RoI", "no annotations", "no landmarks"],
)
def test_without_landmarks_the_loss_is_zero_and_reaches_every_parameter(images: list[Instances]) -> None:
    ours, _ = heads()
    loss, gradients = loss_and_gradients(ours, torch.randn(sum(map(len, images)), CHANNELS, 14, 14), images)
    assert loss == 0
    assert all(gradient is not None and not gradient.any() for gradient in gradients.values())


def test_an_item_without_landmarks_changes_no_loss() -> None:
    ours, _ = heads()
    x = torch.randn(3, CHANNELS, 14, 14)
    alone, _ = loss_and_gradients(ours, x[:2], [items([4, 6], seed=5)])
    together, _ = loss_and_gradients(ours, x, [items([4, 6], seed=5), items([8], seed=6, labelled=0.0)])
    assert together == pytest.approx(alone, rel=1e-6)


def detections(classes: list[int], seed: int) -> Instances:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (len(classes), 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0, 1, (len(classes), 1)) ** 2 * [220, 180]], axis=1)
    fields = {"pred_boxes": Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))}
    return Instances((300, 300), pred_classes=torch.tensor(classes, dtype=torch.int64), **fields)


def stock_decoding(maps: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    return heatmaps_to_keypoints(maps, boxes)[:, :, [0, 1, 3]]


@pytest.mark.parametrize("label", range(13))
def test_points_are_the_stock_decoding_of_the_categorys_maps(label: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = heads()
    images = [detections([label, (label + 5) % 13, 12, label], label), detections([], 0), detections([label], 50)]
    x = torch.randn(5, CHANNELS, 14, 14, generator=torch.Generator().manual_seed(label))
    points = [each.pred_keypoints.clone() for each in ours.eval()(x, images)]
    assert [each.shape for each in points] == [(4, MAX_LANDMARKS, 3), (0, MAX_LANDMARKS, 3), (1, MAX_LANDMARKS, 3)]
    monkeypatch.setattr(landmark_head, "decode_heatmaps", stock_decoding)
    for ours_decoded, expected in zip(points, ours(x, images), strict=True):
        assert torch.equal(ours_decoded, expected.pred_keypoints)


def test_maps_are_the_stock_heads_of_the_predicted_category(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, stock = (head.eval() for head in heads())
    classes = [*range(13), 4, 0, 4]
    x = torch.randn(len(classes), CHANNELS, 14, 14)
    with torch.no_grad():
        expected = stock.layers(x)
        torch.testing.assert_close(ours.layers(x), expected)
    # each landmark is answered with its map's middle cells, which tell the maps apart
    monkeypatch.setattr(landmark_head, "decode_heatmaps", lambda maps, boxes: maps[:, :, 20, 20:23])
    (image,) = ours(x, [detections(classes, seed=1)])
    for row, label in enumerate(classes):
        category = CATEGORIES[label]
        cells = expected[row, category.landmarks, 20, 20:23]
        torch.testing.assert_close(image.pred_keypoints[row, : category.count], cells, rtol=1e-5, atol=1e-5)
        assert not image.pred_keypoints[row, category.count :].any()


def test_inference_without_detections_gives_empty_points() -> None:
    ours, _ = heads()
    (image,) = ours.eval()(torch.zeros(0, CHANNELS, 14, 14), [detections([], seed=0)])
    assert image.pred_keypoints.shape == (0, MAX_LANDMARKS, 3)


def test_another_number_of_landmarks_is_refused() -> None:
    cfg = config("CategoryLandmarkHead")
    cfg.MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS = 17
    with pytest.raises(ValueError, match=r"NUM_KEYPOINTS is 17, must be 294"):
        build_keypoint_head(cfg, SHAPE)


@pytest.mark.parametrize("extra", ["after", "between"])
def test_a_stock_head_of_other_layers_is_refused(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    """`features` takes all layers but the last: with another order it would return other maps, of the same shape."""
    stock = KRCNNConvDeconvUpsampleHead.__init__

    def changed(self: KRCNNConvDeconvUpsampleHead, *args: object, **kwargs: object) -> None:
        stock(self, *args, **kwargs)
        own = dict(self.named_children())
        last = own.pop("score_lowres")
        for name in [*own, "score_lowres"]:
            delattr(self, name)
        layers = {"after": [*own.items(), ("score_lowres", last), ("norm", torch.nn.Identity())],
                  "between": [*own.items(), ("norm", torch.nn.Identity()), ("score_lowres", last)]}  # fmt: skip
        for name, layer in layers[extra]:
            self.add_module(name, layer)

    monkeypatch.setattr(KRCNNConvDeconvUpsampleHead, "__init__", changed)
    with pytest.raises(TypeError, match=r"has the layers Conv2d, ReLU, Conv2d, ReLU, .*Identity.*; expected"):
        build_keypoint_head(config("CategoryLandmarkHead"), SHAPE)
