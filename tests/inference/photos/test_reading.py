"""A picture of any kind is what a person sees of it: upright, on white, in 8 bits."""

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matchrcnn.errors import UserError
from matchrcnn.inference.photos import reading
from matchrcnn.inference.photos.reading import read_photo

RED, WHITE = (255, 0, 0), (255, 255, 255)


def scene() -> Image.Image:
    """40 x 30, its left half dark, its right half light, a red spot at the top left."""
    pixels = np.full((30, 40, 3), 60, np.uint8)
    pixels[:, 20:] = 200
    pixels[:6, :6] = RED
    return Image.fromarray(pixels)


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(read_photo(path).image).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
def test_every_orientation_is_turned_upright(orientation: int, kind: str, tmp_path: Path) -> None:
    """The stored pixels are what the camera would have stored of the same scene, whatever way it was held."""
    undone = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90"}
    undone |= {7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = scene()
    if orientation > 1:
        stored = stored.transpose(Image.Transpose[undone[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"photo.{kind}", exif=exif, **({"quality": 95} if kind in ("jpg", "webp") else {}))
    photo = read_photo(tmp_path / f"photo.{kind}")
    assert photo.size == photo.image.size == (40, 30)
    assert np.abs(pixels_of(tmp_path / f"photo.{kind}") - np.asarray(scene())).mean() < 12


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "PA", "1", "CMYK", "YCbCr", "HSV"])
def test_every_mode_shows_the_same_scene(mode: str) -> None:
    grey = mode in ("L", "LA", "1", "PA")
    image = scene().convert("L").convert(mode) if grey else scene().convert(mode)
    image = scene().quantize() if mode == "P" else image
    found = np.asarray(read_photo(image).image).astype(int)
    expected = np.asarray(scene().convert("L").convert("RGB") if grey else scene())
    if mode == "1":
        assert found[10:, 21:].mean() > found[10:, :19].mean() + 90
    else:
        assert np.abs(found - expected).max() <= 12


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    image = image.quantize() if mode == "P" else image.convert(mode)
    image.save(tmp_path / "clear.png")
    found = pixels_of(tmp_path / "clear.png")
    assert (found[:, :4] == WHITE).all()
    assert (found[:, 4:] != WHITE).any(axis=2).all()


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits_of_grey_are_the_high_8(suffix: str, tmp_path: Path) -> None:
    ramp = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / f"grey.{suffix}")
    assert (pixels_of(tmp_path / f"grey.{suffix}")[:, :, 0].ravel() == np.arange(256)).all()
    assert (np.asarray(read_photo(ramp).image)[:, :, 2].ravel() == np.arange(256)).all()


def test_16_bits_of_colour(tmp_path: Path) -> None:
    """Written by hand: Pillow writes no PNG of 48 bits a pixel."""
    rows = np.full((4, 5, 3), (65535, 32896, 0), ">u2")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)
    with (tmp_path / "deep.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, content in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b"")):
            file.write(struct.pack(">I", len(content)) + name + content)
            file.write(struct.pack(">I", zlib.crc32(name + content)))
    assert np.abs(pixels_of(tmp_path / "deep.png") - (255, 128, 0)).max() <= 1
    array = np.full((4, 5, 3), (65535, 32896, 0), np.uint16)
    assert (np.asarray(read_photo(array).image) == (255, 128, 0)).all()


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_the_first_frame_of_an_animation_counts(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 7), color) for color in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"moving.{suffix}", save_all=True, append_images=frames[1:])
    assert np.abs(pixels_of(tmp_path / f"moving.{suffix}") - RED).max() <= 8


@pytest.mark.parametrize("size", [(1, 1), (10000, 1), (1, 10000), (3, 2)])
def test_tiny_and_long_pictures(size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "odd.png")
    photo = read_photo(tmp_path / "odd.png")
    assert photo.size == size
    assert max(photo.image.size) <= reading.LONGEST
    assert (np.asarray(photo.image) == RED).all()


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_large_picture_is_reduced_while_it_is_read(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST", 50)
    large = scene().resize((400, 300), Image.Resampling.BOX)
    exif = Image.Exif()
    exif[0x0112] = 6
    large.transpose(Image.Transpose.ROTATE_90).save(tmp_path / f"large.{suffix}", exif=exif)
    photo = read_photo(tmp_path / f"large.{suffix}")
    assert photo.size == (400, 300)
    assert photo.image.size == (50, 38)
    near = np.asarray(photo.image)[[3, 30, 30], [3, 10, 40]].astype(int)
    assert np.abs(near - (RED, (60,) * 3, (200,) * 3)).max() < 20


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene().save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(UserError, match=r"bomb\.png: more than .* million pixels; reduce it first"):
        read_photo(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow would warn, and the picture is fine
    assert read_photo(tmp_path / "bomb.png").size == (40, 30)


def damaged() -> dict[str, bytes]:
    buffer = io.BytesIO()
    scene().save(buffer, "JPEG")
    png = io.BytesIO()
    scene().save(png, "PNG")
    return {
        "empty": b"",
        "text": b"no picture",
        "cut": buffer.getvalue()[:400],
        "cut_png": png.getvalue()[:-30],
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


@pytest.mark.parametrize("name", damaged())
def test_what_is_no_picture_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.jpg").write_bytes(damaged()[name])
    with pytest.raises(UserError) as told:
        read_photo(tmp_path / f"{name}.jpg")
    assert str(told.value).startswith(f"{tmp_path / name}.jpg: ")
    assert "\n" not in str(told.value)


def test_no_damage_at_any_byte_is_more_than_an_error(tmp_path: Path) -> None:
    """Each byte of small files changed in turn: read or refused, never anything else."""
    random = np.random.default_rng(0)
    for kind in ("PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG"):
        buffer = io.BytesIO()
        scene().resize((6, 5)).save(buffer, kind)
        content = bytearray(buffer.getvalue())
        for place in random.permutation(len(content))[:60]:
            changed = content.copy()
            changed[place] ^= 1 << random.integers(8)
            (tmp_path / "changed").write_bytes(changed)
            with suppress(UserError):
                read_photo(tmp_path / "changed")


def test_folders_missing_files_and_wrong_arrays_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        read_photo(tmp_path)
    with pytest.raises(UserError, match=r"absent\.jpg: no such file"):
        read_photo(tmp_path / "absent.jpg")
    for array in (np.zeros((4, 4), np.float32), np.zeros((4, 0, 3), np.uint8), np.zeros(4, np.uint8)):
        with pytest.raises(UserError, match="an array of shape"):
            read_photo(array)
    with pytest.raises(UserError, match="2 channels"):
        read_photo(np.zeros((4, 4, 2), np.uint8))
