"""From a dataset dict to the tensors that a model sees: read, flip, resize, instances."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from detectron2.data import detection_utils, transforms
from detectron2.structures import Instances
from PIL import Image

from matchrcnn.config import ModelParams
from matchrcnn.data.records import DatasetEntry, EntryAnnotation, ModelInput, without_annotations
from matchrcnn.errors import UserError
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS


class UnreadableImageError(UserError):
    """A picture cannot be decoded."""


def read_image(path: str, pixel_format: str) -> np.ndarray:
    """A picture's pixels as stored, (height, width, 3) uint8; EXIF rotation is left alone, as the annotations leave it.

    Raises:
        UnreadableImageError: the picture cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).replace(f" '{path}'", "").replace(f": {path}", "") or type(error).__name__
        raise UnreadableImageError(
            f"{path}: cannot be read as a picture ({reason}); restore it or leave it out"
        ) from None
    return np.ascontiguousarray(pixels[:, :, ::-1]) if pixel_format == "BGR" else pixels


def resize(height: int, width: int, model: ModelParams) -> transforms.Transform:
    """To the shorter edge of the model, with the longer edge no longer than its limit."""
    new = transforms.ResizeShortestEdge.get_output_shape(height, width, model.shorter_edge, model.longer_edge)
    return transforms.ResizeTransform(height, width, *new)


class Mapper:
    """Maps a dataset dict to a model's input; what is random in it is decided by the seed that comes with the draw."""

    def __init__(self, model: ModelParams, flip: bool, masks: bool, landmarks: bool) -> None:
        self.model, self.flip, self.masks, self.landmarks = model, flip, masks, landmarks

    def __call__(self, entry: DatasetEntry, seed: int | None = None) -> ModelInput:
        """The dict with `image`, (3, height, width) uint8, `instances` where the entry has annotations, and the `seed`.

        Args:
            entry: a dataset dict of `load_split`.
            seed: decides the flip here and what the model draws about the image; None leaves the picture as it is.
        """
        pixels = read_image(entry["file_name"], self.model.pixel_format)
        steps = self._steps(pixels.shape[0], pixels.shape[1], seed)
        pixels = steps.apply_image(pixels)
        mapped = cast(ModelInput, without_annotations(entry))
        mapped["image"] = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        if seed is not None:
            mapped["seed"] = seed
        if "annotations" in entry:
            mapped["instances"] = self._instances(entry["annotations"], steps, pixels.shape[:2])
        return mapped

    def _steps(self, height: int, width: int, seed: int | None) -> transforms.TransformList:
        steps = transforms.TransformList([resize(height, width, self.model)])
        if self.flip and seed is not None and np.random.default_rng(seed).random() < 0.5:
            steps += transforms.HFlipTransform(steps.transforms[0].new_w)
        return steps

    def _instances(
        self, annotations: Sequence[EntryAnnotation], steps: transforms.TransformList, size: tuple[int, int]
    ) -> Instances:
        items = [self._item(annotation, steps, size) for annotation in annotations]
        instances = detection_utils.annotations_to_instances(items, size, mask_format="polygon")
        instances.gt_pair_ids = torch.tensor([annotation["pair_id"] for annotation in annotations])
        instances.gt_styles = torch.tensor([annotation["style"] for annotation in annotations])
        return instances[instances.gt_boxes.nonempty()]

    def _item(
        self, annotation: EntryAnnotation, steps: transforms.TransformList, size: tuple[int, int]
    ) -> dict[str, Any]:
        keys = ["bbox", "bbox_mode", "category_id"] + ["segmentation"] * self.masks + ["keypoints"] * self.landmarks
        item = {key: value for key, value in annotation.items() if key in keys}
        flip = CATEGORIES[annotation["category_id"]].flip
        item = detection_utils.transform_instance_annotations(item, steps, size, keypoint_hflip_indices=flip)
        if self.landmarks:
            # detectron2 stacks the landmarks of an image, so that every category takes as many rows as the largest
            rows = np.zeros((MAX_LANDMARKS, 3))
            rows[: len(flip)] = item["keypoints"]
            item["keypoints"] = rows
        return item
