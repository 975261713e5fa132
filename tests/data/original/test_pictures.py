"""The size of a picture comes from its header; a file that is cut off is found out."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from matchrcnn.data.original.pictures import PictureError, picture_size

NOISE = Image.effect_noise((123, 77), 60)


def encoded(image: Image.Image = NOISE, kind: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees to view
    exif[0x010E] = "x" * 30_000
    return exif


@pytest.mark.parametrize(
    "content",
    [
        encoded(),
        encoded(NOISE.convert("RGB"), quality=95, subsampling=0),
        encoded(NOISE.convert("CMYK")),
        encoded(progressive=True),
        encoded(exif=turned()),
        encoded(comment=b"c" * 60_000, exif=turned()),
        encoded() + b"\0" * 100,
        encoded(kind="PNG"),
    ],
    ids=["grey", "RGB", "CMYK", "progressive", "turned by EXIF", "long header", "bytes after the end", "PNG"],
)
def test_the_size_is_that_of_the_stored_pixels(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "000001.jpg"
    path.write_bytes(content)
    assert picture_size(path) == (123, 77)


@pytest.mark.parametrize("kept", [0, 1, 2, 20, 300, len(encoded()) // 2, len(encoded()) - 40])
def test_a_picture_that_is_cut_off_is_unreadable(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "000001.jpg"
    path.write_bytes(encoded()[:kept])
    with pytest.raises(PictureError) as raised:
        picture_size(path)
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("content", [b"not a picture", b"\xff\xd8\xff\xd9", b"\xff\xd8" + b"\xff" * 9000])
def test_what_is_no_picture_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "000001.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError):
        picture_size(path)


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file"):
        picture_size(tmp_path / "000001.jpg")
    with pytest.raises(PictureError, match="directory"):
        picture_size(tmp_path)
