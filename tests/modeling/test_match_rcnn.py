from pathlib import Path
from typing import Any

import pytest
import torch
from detectron2.structures import Boxes, Instances, Keypoints, PolygonMasks
from detectron2.utils.events import EventStorage, get_event_storage

from matchrcnn.config import RunConfig, load_params
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.match_rcnn import MatchRCNN
from matchrcnn.tasks import VARIANTS

LOSSES = {"loss_cls", "loss_box_reg", "loss_mask", "loss_keypoint", "loss_rpn_cls", "loss_rpn_loc", "loss_pair"}
SMALL = {
    "rois_per_image": 8,
    "stem_channels": 8,
    "fpn_channels": 8,
    "box_fc": 8,
    "mask_channels": 6,
    "landmark_convs": 1,
    "landmark_channels": 10,
}
NARROW = {"widths": (4, 4, 4, 8), "embedding": 16}


def run(**retrieval: object) -> RunConfig:
    params = load_params(Path("pipelines/sample.yaml"))
    model = params.model.model_copy(update=SMALL)
    entry = params.model_copy(update={"model": model}).runs["detection"]
    entry = entry.model_copy(update={"task": "retrieval", "init_from": "other", "retrieval": {**NARROW, **retrieval}})
    return params.model_copy(update={"model": model, "runs": {"tiny": entry}}).run("tiny")


def build(**retrieval: object) -> MatchRCNN:
    model = build_model(run(**retrieval), torch.device("cpu"))
    assert isinstance(model, MatchRCNN)
    return model


def image(source: str, pair_id: int, seed: int) -> dict[str, Any]:
    pixels = torch.randint(0, 256, (3, 96, 128), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    x = 20.0 + seed % 7
    instances = Instances((96, 128))
    instances.gt_boxes = Boxes(torch.tensor([[x, 20.0, x + 50, 80.0], [0.0, 0.0, 30.0, 30.0]]))
    instances.gt_classes = torch.tensor([4, 2])
    instances.gt_masks = PolygonMasks([[[x, 20.0, x + 50, 20.0, x + 50, 80.0]], [[0.0, 0, 30, 0, 30, 30]]])
    points = torch.zeros(2, 39, 3)
    points[:, :8] = torch.tensor([25.0, 25.0, 2.0])
    instances.gt_keypoints = Keypoints(points)
    instances.gt_pair_ids, instances.gt_styles = torch.tensor([pair_id, pair_id]), torch.tensor([1, 0])
    return {"image": pixels, "instances": instances, "source": source, "height": 192, "width": 256}


def batch() -> list[dict[str, Any]]:
    return [image(source, pair_id, 2 * pair_id + n) for pair_id in (5, 6) for n, source in enumerate(("user", "shop"))]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_all_streams_and_embeds_its_detections(variant: str) -> None:
    model = build(variant=variant).train()
    with EventStorage():
        losses = model(batch())
        counts = {name: value for name, (value, _) in get_event_storage().latest().items() if name.startswith("pairs/")}
    assert losses.keys() == LOSSES
    assert counts == {"pairs/positive": 2 * 64, "pairs/negative": 2 * 64, "pairs/identities": 2}
    losses["loss_pair"].backward()
    assert all(p.grad.isfinite().all() for p in model.match_network.parameters() if p.grad is not None)
    for part in (model.match_network, model.backbone):
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in part.parameters())
    with torch.no_grad():
        for output in model.eval()(batch()):
            assert output["instances"].pred_embeddings.shape == (len(output["instances"]), 16)


def test_the_match_network_reads_what_its_variant_names() -> None:
    shapes = {"class": (8, 7), "pose": (10, 14), "mask": (8, 14), "pose+class": (18, 14), "mask+class": (14, 14)}
    for variant, (channels, side) in shapes.items():
        model = build(variant=variant).eval()
        with torch.no_grad():
            features = model.backbone(torch.rand(1, 3, 96, 128))
            maps = model.match_input(features, [Boxes(torch.tensor([[10.0, 10.0, 60.0, 70.0]]))])
        assert maps.shape == (1, channels, side, side), variant


def test_joined_roialign_maps_of_mask_and_class_would_be_the_same_maps_twice() -> None:
    model = build(variant="mask+class", merged_mask_input="roialign").eval()
    with torch.no_grad():
        features = model.backbone(torch.rand(1, 3, 96, 128))
        mask, class_ = model.match_input(features, [Boxes(torch.tensor([[10.0, 10.0, 60.0, 70.0]]))]).chunk(2, dim=1)
    assert torch.equal(mask, class_)


def test_given_boxes_are_embedded_as_the_same_boxes_detected() -> None:
    model = build(variant="class").eval()
    with torch.no_grad():
        first = model(batch())
        given = [
            entry | {"given_boxes": o["instances"].pred_boxes.tensor} for entry, o in zip(batch(), first, strict=True)
        ]
        before = [entry["given_boxes"].clone() for entry in given]
        outputs = model(given)
    assert all(torch.equal(entry["given_boxes"], boxes) for entry, boxes in zip(given, before, strict=True))
    assert sum(len(output["instances"]) for output in first) > 10
    for output, embedded in zip(first, outputs, strict=True):
        torch.testing.assert_close(
            embedded["given_embeddings"], output["instances"].pred_embeddings, rtol=1e-3, atol=1e-4
        )


def test_boxes_are_given_to_some_images_only() -> None:
    model, entries = build(variant="class").eval(), batch()
    entries[1]["given_boxes"] = torch.tensor([[10.0, 10.0, 90.0, 90.0]])
    with torch.no_grad():
        sizes = [len(output["given_embeddings"]) for output in model(entries)]
    assert sizes == [0, 1, 0, 0]


def test_a_frozen_run_learns_the_match_network_alone() -> None:
    model = build(variant="pose", freeze=True).train()
    learning = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert learning == {"match_network"}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with EventStorage():
        losses = model(batch())
    losses["loss_pair"].backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert losses.keys() == {"loss_pair"}
    assert changed == {"match_network"}


def test_lambdas_weigh_the_losses() -> None:
    weights = {"cls": 2.0, "box": 0.0, "landmarks": 3.0, "mask": 0.5, "pair": 4.0}
    found = []
    for weighted in (False, True):
        model = build(variant="class", **({"loss_weights": weights} if weighted else {})).train()
        torch.manual_seed(1)
        with EventStorage():
            found.append(model(batch()))
    expected = {"loss_cls": 2.0, "loss_box_reg": 0.0, "loss_keypoint": 3.0, "loss_mask": 0.5, "loss_pair": 4.0}
    for name, loss in found[1].items():
        torch.testing.assert_close(loss, found[0][name] * expected.get(name, 1.0))
