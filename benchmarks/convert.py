"""Conversion beside the reference way: stdlib json in and out, Pillow for the sizes, one process.

    python -m benchmarks.convert                    4,000 generated images, both ways in turn, best of three
    python -m benchmarks.convert --images 191961    the released train split's number of files
    python -m benchmarks.convert --ours-only ...    time and memory of ours alone

The reference builds the same COCO dicts, category-wide, without checking anything. The pictures are hard links to one
JPEG; the annotations have the items, polygons and landmarks of the published example with other numbers. Files are in
the page cache for both. Memory is the peak of the converting process plus that of its largest worker times the workers.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

from matchrcnn.data.convert import convert
from matchrcnn.taxonomy import CATEGORIES

FOLDER = 1000  # hard links a JPEG: file systems limit them


def main() -> None:
    """Generate a split, convert it both ways, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--ours-only", action="store_true", help="leave the reference out: at full size it takes long")
    parser.add_argument("--one", choices=[*WAYS], help=argparse.SUPPRESS)
    parser.add_argument("--split", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _run_one(arguments.one, arguments.split)
        return
    with tempfile.TemporaryDirectory() as folder:
        split = Path(folder) / "train"
        generate(split, arguments.images)
        ways = [way for way in WAYS if way != "reference"] if arguments.ours_only else [*WAYS]
        print(table(split, ways, arguments.images, repeats=1 if arguments.ours_only else 3))


def table(split: Path, ways: list[str], images: int, repeats: int) -> str:
    """Best time and peak memory of each way, each run in a fresh process."""
    runs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            runs[way].append(_measured(way, split))
    seconds = {way: min(run[0] for run in runs[way]) for way in ways}
    rows = [
        [
            way,
            f"{seconds[way]:.2f}",
            f"{images / seconds[way]:,.0f}",
            f"{seconds['reference'] / seconds[way]:.1f}" if "reference" in ways else "",
            f"{max(run[1] for run in runs[way]):.0f}",
        ]
        for way in ways
    ]
    headers = ["way", "seconds", "images a second", "times the reference's speed", "peak MiB"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def _measured(way: str, split: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.convert", "--one", way, "--split", str(split)]
    seconds, mebibytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(mebibytes)


def _run_one(way: str, split: Path) -> None:
    import resource

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        WAYS[way](split, Path(folder) / "out.json")
        seconds = time.perf_counter() - start
    workers = os.cpu_count() or 1
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest_child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(seconds, (own + workers * largest_child) / 1024)


def reference(split: Path, output: Path) -> None:
    """The straightforward conversion."""
    dataset: dict = {"images": [], "annotations": [], "categories": [{"id": c.id, "name": c.name} for c in CATEGORIES]}
    for path in sorted((split / "annos").iterdir()):
        picture = split / "image" / f"{path.stem}.jpg"
        with Image.open(picture) as image:
            width, height = image.size
        with path.open() as file:
            record = json.load(file)
        source, pair_id = record.pop("source"), record.pop("pair_id")
        image_id = int(path.stem)
        dataset["images"].append(
            {"id": image_id, "file_name": picture.name, "width": width, "height": height}
            | {"source": source, "pair_id": pair_id}
        )
        for item in record.values():
            x1, y1, x2, y2 = item["bounding_box"]
            dataset["annotations"].append(
                {
                    "id": len(dataset["annotations"]) + 1,
                    "image_id": image_id,
                    "category_id": item["category_id"],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "segmentation": item["segmentation"],
                    "keypoints": item["landmarks"],
                    "num_keypoints": sum(visibility > 0 for visibility in item["landmarks"][2::3]),
                    "pair_id": pair_id,
                    "source": source,
                }
                | {name: item[name] for name in ("style", "scale", "occlusion", "zoom_in", "viewpoint")}
            )
    with output.open("w") as file:
        json.dump(dataset, file)


def ours(split: Path, output: Path) -> None:
    """`matchrcnn convert` as it is."""
    convert(split, output)


def ours_in_one_process(split: Path, output: Path) -> None:
    """The same without workers."""
    convert(split, output, workers=1)


WAYS = {"reference": reference, "ours, one process": ours_in_one_process, "ours": ours}


def generate(split: Path, images: int) -> None:
    """Write a split in the original layout: `images` annotations of one to three items, links to JPEGs of 80 KB."""
    dice = random.Random(0)
    for name in ("image", "annos"):
        (split / name).mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (78, 58, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((468, 624))
    for number in range(1, images + 1):
        path = split / "image" / f"{number:06}.jpg"
        if number % FOLDER == 1:
            picture.save(path, quality=95)
            source = path
        else:
            path.hardlink_to(source)
        (split / "annos" / f"{number:06}.json").write_text(json.dumps(_annotation(dice)))


def _annotation(dice: random.Random) -> dict:
    items = {f"item{n}": _item(dice) for n in range(1, dice.choice((1, 1, 2, 2, 2, 2, 2, 3)) + 1)}
    return items | {"source": dice.choice(("shop", "user")), "pair_id": dice.randrange(1, 14000)}


def _item(dice: random.Random) -> dict:
    category = dice.choice(CATEGORIES)

    def points(count: int) -> list[int]:
        return [dice.randrange(limit) for _ in range(count) for limit in (468, 624)]

    landmarks = [[*points(1), dice.randint(1, 2)] if dice.random() > 0.2 else [0, 0, 0] for _ in range(category.count)]
    return {
        "segmentation": [points(category.count + 3), points(8), points(8)],
        "landmarks": [number for landmark in landmarks for number in landmark],
        "style": dice.randrange(4),
        "bounding_box": [10, 20, dice.randrange(30, 468), dice.randrange(40, 624)],
        "category_id": category.id,
        "category_name": category.name,
    } | {name: dice.randint(1, 3) for name in ("scale", "occlusion", "zoom_in", "viewpoint")}


if __name__ == "__main__":
    main()
