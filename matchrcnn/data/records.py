"""The records that move between data, modeling, training and inference, with their fields.

Axis letters in these packages: N items of an image or images of a minibatch, M boxes that a caller gives, R RoIs of all
images, K landmarks of a category, P labelled landmarks, E numbers of an embedding, C channels, H and W height and width
in pixels, S the side of a square map in cells. U and S in `match_network` count user and shop RoIs.

Stages that only read annotations import this module and do without torch: its names stand in annotations alone.
"""

from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

import numpy as np

if TYPE_CHECKING:
    from detectron2.structures import Instances
    from torch import Tensor


class CocoImage(TypedDict):
    """An image of a converted annotation file; width and height in pixels."""

    id: int
    file_name: str
    width: int
    height: int
    source: str
    pair_id: int


class UnnumberedAnnotation(TypedDict):
    """An item as one image gives it; its id counts through the whole file. bbox xywh in pixels, category_id 1..13.

    `segmentation` holds polygons, flat x, y in pixels; `keypoints` the landmarks of the item's own category, flat
    x, y, v with v 2 visible, 1 occluded, 0 not labelled.
    """

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


class CocoAnnotation(UnnumberedAnnotation):
    """An item of a converted annotation file."""

    id: int


class EntryAnnotation(CocoAnnotation):
    """An item as detectron2 takes it: category_id 0..12, `bbox_mode` XYWH_ABS."""

    bbox_mode: int


class DatasetEntry(TypedDict):
    """An image of a split with its items, as detectron2's dataset dicts are; height and width in pixels.

    Attributes:
        annotations: its items; absent where a caller gives boxes in their place.
        given_boxes: boxes to embed, (M, 4) float32 xyxy, pixels of the picture as stored.
        given_categories: their categories, (M,) int64, 1..13.
    """

    file_name: str
    image_id: int
    height: int
    width: int
    source: str
    pair_id: int
    annotations: NotRequired[list[EntryAnnotation]]
    given_boxes: NotRequired[np.ndarray]
    given_categories: NotRequired[np.ndarray]


def without_annotations(entry: DatasetEntry) -> DatasetEntry:
    """Return an entry without its items, as a picture that nothing is known of."""
    return cast(DatasetEntry, {key: value for key, value in entry.items() if key != "annotations"})


class ModelInput(TypedDict):
    """An image as a model takes it.

    Attributes:
        image: (3, H, W) uint8, channels in the model's order, at the size that the network sees.
        height, width: of the picture as stored, pixels; detections are brought to them.
        instances: in training, in pixels of `image`: gt_boxes (N, 4) float32 xyxy, gt_classes (N,) int64 0..12,
            gt_pair_ids and gt_styles (N,) int64, and where the run learns them gt_masks (N polygon masks) and
            gt_keypoints (N, 39, 3) float32.
        seed: decides what the model draws about the image; without it torch's generator does.
        skipped: why other pictures, for which this one stands in, could not be read.
        given_boxes, given_categories: those of the entry.
    """

    image: "Tensor"
    height: int
    width: int
    file_name: NotRequired[str]
    image_id: NotRequired[int]
    source: NotRequired[str]
    pair_id: NotRequired[int]
    instances: NotRequired["Instances"]
    seed: NotRequired[int]
    skipped: NotRequired[list[str]]
    given_boxes: NotRequired[np.ndarray]
    given_categories: NotRequired[np.ndarray]


Minibatch = list[ModelInput]


class ModelOutput(TypedDict):
    """What a model finds in an image.

    Attributes:
        instances: in pixels of the picture as stored: pred_boxes (N, 4) float32 xyxy, scores (N,) float32, pred_classes
            (N,) int64 0..12, and by the run's streams pred_masks (N, H, W) bool, pred_keypoints (N, 39, 3) float32 x, y
            and score, pred_embeddings (N, E) float32.
        given_embeddings: of the given boxes, (M, E) float32; absent where no image of the minibatch has any.
    """

    instances: "Instances"
    given_embeddings: NotRequired["Tensor"]
