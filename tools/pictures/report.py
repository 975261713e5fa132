"""Take the README's pictures of the report with Chromium: `python -m tools.pictures.report [PAGE]`."""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from matchrcnn.project import Project
from tests.support.chromium import CHROMIUM, FLAGS

FOLDER = Path(__file__).parents[2] / "docs" / "images"
SIX = ".gallery > p, .gallery form, .pictures figure:nth-child(n + 7) { display: none; }"
PICTURES = {
    "report.png": ("overview", "", 1500),
    "gallery.jpg": ("segmentation", SIX, 500),
    "landmarks.jpg": ("landmarks", SIX, 500),
    "retrieval.jpg": ("retrieval", SIX, 1040),
}
"""Name of a picture -> the section of the page that it is of, style that hides what it leaves out, height in pixels."""

ONLY_GALLERY = """
header, nav, footer, section:not(#{section}), #{section} > :not(.run), .run:not([open]), .run > :not(.gallery),
.gallery h4 {{ display: none; }}
section, .run {{ padding: 0; border: 0 !important; }}
"""
WIDTH = 1280
MARGIN = 200
"""Height that a window may lose to a frame that is not drawn."""


def take(page: Path, folder: Path) -> list[Path]:
    """Write the pictures of a page into a folder; one of a section that the page lacks is left out.

    Returns:
        The pictures that were written.
    """
    text = page.read_text().replace(' loading="lazy"', "")
    written = []
    for name, (section, style, height) in PICTURES.items():
        if f'<section id="{section}"' not in text:
            print(f"{name}: the page has no section {section}; its picture stays as it is")
            continue
        only = ONLY_GALLERY.format(section=section) if name != "report.png" else ""
        written.append(folder / name)
        _shoot(text.replace("</style>", f"{only}{style}</style>", 1), height, written[-1])
    return written


def _shoot(text: str, height: int, picture: Path) -> None:
    """Write the first window of a page, as PNG or JPEG."""
    if CHROMIUM is None:
        sys.exit("Chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        copy, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        copy.write_text(text)
        window = [
            f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH},{height + MARGIN}",
            f"--screenshot={shot}",
            "--virtual-time-budget=3000",
        ]
        subprocess.run([CHROMIUM, *FLAGS, *window, copy.as_uri()], check=True, capture_output=True, timeout=120)
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(shot) as image:
            image.convert("RGB").crop((0, 0, WIDTH, height)).save(picture, optimize=True, quality=90)


def main() -> None:
    """Take every picture."""
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else Project().page
    if not page.is_file():
        sys.exit(f"{page}: no such file; make it with `dvc repro report`")
    for picture in take(page, FOLDER):
        print(picture)


if __name__ == "__main__":
    main()
