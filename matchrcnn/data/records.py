"""The records that move between data, training and modeling, with their fields.

Axis letters, here and in data, modeling and training: N items of an image or a minibatch, R RoIs, K landmarks, H and W
the height and width of an image in pixels, C channels.
"""

from typing import NotRequired, TypedDict

import torch
from detectron2.structures import Instances


class CocoImage(TypedDict):
    """An image of a converted annotation file; width and height in pixels."""

    id: int
    file_name: str
    width: int
    height: int
    source: str
    pair_id: int


class CocoAnnotation(TypedDict):
    """An item of a converted annotation file; bbox xywh in pixels, category_id 1..13.

    `segmentation` holds polygons, flat x, y in pixels; `keypoints` the landmarks of the item's own category, flat
    x, y, v with v 2 visible, 1 occluded, 0 not labelled.
    """

    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int
    segmentation: list[list[float]]
    num_keypoints: int
    keypoints: list[float]
    pair_id: int
    style: int
    source: str
    scale: int
    occlusion: int
    zoom_in: int
    viewpoint: int


class EntryAnnotation(CocoAnnotation):
    """An item as detectron2 takes it: category_id 0..12, `bbox_mode` XYWH_ABS."""

    bbox_mode: int


class DatasetEntry(TypedDict):
    """An image of a split with its items, as detectron2's dataset dicts are."""

    file_name: str
    image_id: int
    height: int
    width: int
    source: str
    pair_id: int
    annotations: NotRequired[list[EntryAnnotation]]


class ModelInput(TypedDict):
    """What a model is given of an image.

    Attributes:
        image: (3, H, W) uint8, channels in the model's order, at the size that the network sees.
        height, width: of the picture as stored, pixels; detections are brought to them.
        instances: in training, in pixels of `image`: gt_boxes (N, 4) xyxy, gt_classes (N,) 0..12, gt_pair_ids and
            gt_styles (N,) int64, and where the run learns them gt_masks and gt_keypoints (N, 39, 3).
        seed: decides what the model draws about the image; without it torch's generator does.
        skipped: why other pictures, for which this one stands in, could not be read.
        given_boxes: boxes to embed, (M, 4) float32 xyxy, pixels of the picture as stored.
        given_categories: theirs, (M,) int64, 1..13.
    """

    image: torch.Tensor
    height: int
    width: int
    file_name: NotRequired[str]
    image_id: NotRequired[int]
    source: NotRequired[str]
    pair_id: NotRequired[int]
    instances: NotRequired[Instances]
    seed: NotRequired[int]
    skipped: NotRequired[list[str]]
    given_boxes: NotRequired[object]
    given_categories: NotRequired[object]


Minibatch = list[ModelInput]
