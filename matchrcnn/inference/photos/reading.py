"""Pictures as people have them, as upright RGB: files of any common kind, Pillow images, arrays.

Unlike the data set's images, which are read as stored because their annotations are, a photo is turned as its EXIF
orientation says: boxes lie where a viewer of the photo sees the garment.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from matchrcnn.errors import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000")
"""Formats that are opened, whatever a file's name says; none of them runs another program."""

LONGEST = 4096
"""Longer edge of a photo at most, pixels: a larger one is reduced while it is read."""

_GREY16 = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
_CLEAR = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})

Picture = Path | str | Image.Image | np.ndarray
"""A file, a Pillow image of any mode, or an array: (H, W) or (H, W, 1, 3 or 4), RGB(A), uint8 or uint16."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture as networks and drawings use it.

    Attributes:
        image: RGB, upright, its longer edge at most 4096 pixels.
        size: width and height of the upright picture before it was reduced, pixels.
    """

    image: Image.Image
    size: tuple[int, int]


def read_photo(picture: Picture) -> Photo:
    """Read a picture as upright RGB: transparent pixels white, 16 bits as 8, of an animation the first frame.

    Raises:
        UserError: it cannot be decoded, or an array has another shape or type.
    """
    if isinstance(picture, np.ndarray):
        return _reduced(_rgb(_image_of(picture)))
    if isinstance(picture, Image.Image):
        return _reduced(_rgb(ImageOps.exif_transpose(picture)))
    return _read(Path(picture))


def _read(path: Path) -> Photo:
    if path.is_dir():
        raise UserError(f"{path}: is a folder, a picture is expected")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a large photo, odd metadata: no warning that a user could act on
            with Image.open(path, formats=FORMATS) as image:
                return _decoded(image)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except Image.DecompressionBombError:
        limit = f"{2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f}"
        raise UserError(f"{path}: more than {limit} million pixels; reduce it first") from None
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise UserError(f"{path}: not a picture of a known format ({kinds}); save it as JPEG or PNG") from None
    except Exception as error:  # decoders fail in as many ways as there are damaged files
        reason = str(error).replace(f" '{path}'", "") or type(error).__name__
        raise UserError(f"{path}: cannot be read as a picture ({reason}); restore it or leave it out") from None


def _decoded(image: Image.Image) -> Photo:
    width, height = image.size
    if max(width, height) > 2 * LONGEST:
        image.draft("RGB", (LONGEST, LONGEST * height // width or 1))  # a JPEG is decoded at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    turned = (upright.width > upright.height) != (image.width > image.height)
    return _reduced(_rgb(upright), (height, width) if turned else (width, height))


def _reduced(image: Image.Image, size: tuple[int, int] | None = None) -> Photo:
    size = size or image.size
    scale = LONGEST / max(image.size)
    if scale < 1:
        smaller = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(smaller, Image.Resampling.BOX, reducing_gap=2)
    return Photo(image, size)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _GREY16:
        image = _of_16_bits(np.asarray(image, np.float64))
    elif image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
        image = Image.fromarray(np.uint8(255 * np.clip(values / max(values.max(), 1e-9), 0, 1)))
    if image.mode in _CLEAR or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _of_16_bits(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.uint8(np.clip(values / 257, 0, 255).round()))


def _image_of(array: np.ndarray) -> Image.Image:
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or 0 in array.shape:
        raise UserError(f"an array of shape {array.shape} and type {array.dtype}: give (H, W, 3) uint8, RGB")
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels not in (1, 3, 4):
        raise UserError(f"an array of {channels} channels: give 1 (grey), 3 (RGB) or 4 (RGBA)")
    pixels = array[:, :, 0] if array.ndim == 3 and channels == 1 else array
    if array.dtype == np.uint16:
        return _of_16_bits(pixels)
    return Image.fromarray(np.ascontiguousarray(pixels))
