import torch
from detectron2.structures import Boxes, Instances, pairwise_iou

from matchrcnn.modeling.match_rois import item_rois

COUNT, THRESHOLD = 8, 0.7
ITEM, OTHER = [10.0, 10.0, 50.0, 60.0], [55.0, 10.0, 95.0, 60.0]


def targets(*items: tuple[list[float], int]) -> Instances:
    instances = Instances((100, 120))
    instances.gt_boxes = Boxes(torch.tensor([box for box, _ in items]).reshape(-1, 4))
    instances.gt_styles = torch.tensor([style for _, style in items], dtype=torch.long)
    instances.gt_pair_ids = torch.full((len(items),), 9)
    return instances


def proposals(*boxes: list[float]) -> Instances:
    return Instances((100, 120), proposal_boxes=Boxes(torch.tensor(boxes).reshape(-1, 4)))


def shifted(box: list[float], by: float) -> list[float]:
    return [box[0] + by, box[1], box[2] + by, box[3]]


def test_rois_overlap_an_item_of_interest_by_more_than_the_threshold() -> None:
    torch.manual_seed(0)
    found = proposals(*(shifted(ITEM, by) for by in range(-12, 13)), *(shifted(OTHER, by) for by in range(5)))
    wanted = targets((ITEM, 3), (OTHER, 0))
    rois = item_rois(found, wanted, COUNT, THRESHOLD)
    assert (pairwise_iou(rois.boxes, wanted.gt_boxes[:1]) > THRESHOLD).all()
    assert rois.identities.tolist() == [[9, 3]] * COUNT
    assert len(rois.boxes.tensor.unique(dim=0)) == COUNT
    assert not torch.equal(item_rois(found, wanted, COUNT, THRESHOLD).boxes.tensor, rois.boxes.tensor)


def test_too_few_are_filled_up_with_the_own_box_and_repeats() -> None:
    near = shifted(ITEM, 2)
    rois = item_rois(proposals(near, shifted(ITEM, 30)), targets((ITEM, 1)), COUNT, THRESHOLD)
    assert rois.boxes.tensor.tolist() == [near, ITEM] * 4
    alone = item_rois(proposals(), targets((ITEM, 1)), COUNT, THRESHOLD)
    assert alone.boxes.tensor.tolist() == [ITEM] * COUNT


def test_every_item_of_interest_keeps_its_own_identity() -> None:
    rois = item_rois(proposals(), targets((ITEM, 1), (OTHER, 2)), COUNT, THRESHOLD)
    assert rois.boxes.tensor.tolist() == [ITEM, OTHER] * 4
    assert rois.identities.tolist() == [[9, 1], [9, 2]] * 4


def test_an_image_without_an_item_of_interest_gives_rois_of_no_identity() -> None:
    for wanted in (targets((ITEM, 0)), targets()):
        rois = item_rois(proposals(ITEM), wanted, COUNT, THRESHOLD)
        assert rois.boxes.tensor.tolist() == [[0, 0, 120, 100]] * COUNT
        assert rois.identities.tolist() == [[0, 0]] * COUNT
