"""Take docs/mlflow.md's picture of two runs in MLflow's comparison: `python -m tools.pictures.mlflow [RUN RUN]`.

Of the project's own mlflow.db, as `make demo` leaves it, in the UI that `make ui` starts. Needs Chromium.
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

from mlflow import MlflowClient
from PIL import Image

from tests.support.chromium import CHROMIUM, Page, browser
from tests.support.tracked_store import ONLY_DIFFERENCES, TEXT, free_port, mlflow_command

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "mlflow.jpg"
STORE = "sqlite:///mlflow.db"
WIDTH, HEIGHT = 1280, 1300
PART = (196, 0, 1272, 1122)
"""Of the window: left, top, right and bottom of runs, parameters and metrics."""

CLOSE = """document.querySelector('[data-component-id="mlflow.assistant.chat_panel.close"]')?.click();
    [...document.querySelectorAll('[role=button]')].find(each => each.innerText.trim() == 'Visualizations').click()"""
CLOSED = """[...document.querySelectorAll('[role=button]')]
    .find(each => each.innerText.trim() == 'Visualizations').ariaExpanded == 'false'"""


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", default=["retrieval_pose_class", "retrieval_mask_class"])
    names = parser.parse_args().runs
    if not Path("mlflow.db").is_file():
        sys.exit("mlflow.db: no such file; run `make demo`")
    if CHROMIUM is None:
        sys.exit("Chromium is not installed; on Debian: apt-get install chromium")
    address = comparison(names)
    port = free_port()
    where = f"http://127.0.0.1:{port}"
    command = ["ui", "--workers", "1", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", STORE]
    with (
        tempfile.TemporaryDirectory() as profile,
        mlflow_command(Path(), *command, answers=f"{where}/health"),
        browser(Path(profile)) as page,
    ):
        show(page, where + address)
        with Image.open(io.BytesIO(page.picture())) as image:
            image.convert("RGB").crop(PART).save(PICTURE, optimize=True, quality=85)
    print(PICTURE)


def comparison(names: list[str]) -> str:
    """The address of the page that compares the newest run of each name."""
    client = MlflowClient(tracking_uri=STORE)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = [client.search_runs(experiments, f"attributes.run_name = '{name}'", max_results=1) for name in names]
    missing = [name for name, found in zip(names, runs, strict=True) if not found]
    if missing:
        sys.exit(f"mlflow.db: has no run {missing[0]}")
    ids = ",".join(f'"{found[0].info.run_id}"' for found in runs)
    return f'/#/compare-runs?runs=[{ids}]&experiments=["{runs[0][0].info.experiment_id}"]'


def show(page: Page, address: str) -> None:
    """Open the comparison and leave only what differs."""
    page.visit(address, WIDTH, HEIGHT)
    page.wait_for(f"{TEXT}.includes('Comparing 2 Runs')")
    page.wait_for(f"{TEXT}.includes('model.pixel_mean')")
    page.run(ONLY_DIFFERENCES)
    page.wait_for(f"!{TEXT}.includes('model.pixel_mean')")
    page.run(CLOSE)
    page.wait_for(CLOSED)
    time.sleep(1)  # the folding is animated


if __name__ == "__main__":
    main()
