"""The RoIs of a training image that the match network learns from."""

from typing import NamedTuple

import torch
from detectron2.structures import Boxes, Instances, pairwise_iou
from torch import Tensor


class ItemRois(NamedTuple):
    """RoIs of an image, and whose they are.

    Attributes:
        boxes: `count` boxes in the pixels of the network's input.
        identities: (count, 2) int64, pair_id and style; zeros where the image has no item of interest.
    """

    boxes: Boxes
    identities: Tensor


@torch.no_grad()
def item_rois(proposals: Instances, targets: Instances, count: int, threshold: float) -> ItemRois:
    """Choose `count` RoIs around the items of interest (style > 0) of one image.

    They are drawn without order from the proposals that overlap an item of interest more than any other item, and by an
    IoU of more than `threshold`. Where there are fewer, the items' own boxes follow, then all of them again. An image
    without such an item gives its whole area, of no identity: it takes no part in the loss, and the number of RoIs
    stays what other processes expect.

    Args:
        proposals: with `proposal_boxes`, (R, 4) float32 xyxy in pixels of the network's input.
        targets: with `gt_boxes`, (N, 4) the same, `gt_pair_ids` and `gt_styles`, (N,) int64.
        count: RoIs wanted.
        threshold: IoU, 0.7 in Match R-CNN.
    """
    items = torch.nonzero(targets.gt_styles > 0).squeeze(1)
    if len(items) == 0:
        height, width = targets.image_size
        whole = targets.gt_boxes.tensor.new_tensor([[0, 0, width, height]])
        return ItemRois(Boxes(whole.repeat(count, 1)), items.new_zeros(count, 2))
    overlap, item = pairwise_iou(proposals.proposal_boxes, targets.gt_boxes).max(dim=1)
    near = torch.nonzero((overlap > threshold) & (targets.gt_styles[item] > 0)).squeeze(1)
    near = near[torch.randperm(len(near), device=near.device)]
    boxes = torch.cat([proposals.proposal_boxes.tensor[near], targets.gt_boxes.tensor[items]])
    owner = torch.cat([item[near], items])
    taken = torch.arange(count, device=near.device) % len(owner)
    identities = torch.stack([targets.gt_pair_ids, targets.gt_styles], dim=1)
    return ItemRois(Boxes(boxes[taken]), identities[owner[taken]])
