"""A photo as a network sees it."""

import numpy as np
import torch
from detectron2.data.transforms import ResizeShortestEdge
from PIL import Image

from matchrcnn.config import ModelParams
from matchrcnn.data.records import ModelInput
from matchrcnn.inference.photos.reading import Photo


def model_input(photo: Photo, model: ModelParams) -> ModelInput:
    """Return a photo at the size and with the channels that a network sees.

    Returns:
        `image`, (3, H, W) uint8 in the model's order of channels; `height` and `width` of the whole photo, to which the
        model brings what it finds.
    """
    pixels = np.asarray(photo.image.resize(_size(photo, model), Image.Resampling.BILINEAR))
    if model.pixel_format == "BGR":
        pixels = pixels[:, :, ::-1]
    image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    return {"image": image, "height": photo.size[1], "width": photo.size[0]}


def _size(photo: Photo, model: ModelParams) -> tuple[int, int]:
    """Width and height of the input; of a very long photo the shorter edge is at least one pixel."""
    width, height = photo.image.size
    shape = ResizeShortestEdge.get_output_shape(height, width, model.shorter_edge, model.longer_edge)
    return max(1, shape[1]), max(1, shape[0])
