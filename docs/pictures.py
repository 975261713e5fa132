"""Take the README's picture of the report with Chromium: `python docs/pictures.py [PAGE] [PICTURE]`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PAGE, PICTURE = Path("reports/index.html"), Path("docs/images/report.png")
SIZE = (1280, 1500)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update"),
]


def take(page: Path, picture: Path) -> None:
    """Write the top of a page as a PNG of 256 colours, which a README loads quickly."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:
        shot = Path(profile) / "shot.png"
        window = f"--window-size={SIZE[0]},{SIZE[1]}"
        subprocess.run(
            [chromium, *FLAGS, f"--user-data-dir={profile}", window, f"--screenshot={shot}", page.resolve().as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(256).save(picture, optimize=True)


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    take(*(arguments + [PAGE, PICTURE][len(arguments) :]))
