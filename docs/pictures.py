"""Take the README's pictures of the report with Chromium: `python docs/pictures.py [PAGE]`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent / "images"
PICTURES = {
    "report": ("", 1500),
    "gallery": (
        "header, nav, footer, section:not(#segmentation), #segmentation > :not(.gallery) { display: none; }",
        900,
    ),
}
"""Name of a picture -> style that hides what it leaves out of the page, its height in pixels."""

WIDTH = 1280
MARGIN = 200
"""Height that a window may lose to a frame that is not drawn."""

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=3000"),
]


def take(page: Path, style: str, height: int, picture: Path) -> None:
    """Write the first window of a page as a PNG."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        copy, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        text = page.read_text().replace("</style>", f"{style}</style>", 1)
        copy.write_text(text.replace(' loading="lazy"', ""))
        window = [
            f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH},{height + MARGIN}",
            f"--screenshot={shot}",
        ]
        subprocess.run([chromium, *FLAGS, *window, copy.as_uri()], check=True, capture_output=True, timeout=120)
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(shot) as image:
            image.convert("RGB").crop((0, 0, WIDTH, height)).save(picture, optimize=True)


def main() -> None:
    """Take every picture."""
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "reports/index.html")
    if not page.is_file():
        sys.exit(f"{page}: no such file; make it with `dvc repro report`")
    for name, (style, height) in PICTURES.items():
        take(page, style, height, FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
