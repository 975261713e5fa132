"""Conversion beside the reference way: stdlib json in and out, Pillow for the sizes, one process.

    python -m benchmarks.convert                             8,000 generated images, each way in turn, best of three
    python -m benchmarks.convert --images 191961 --ours-only time and memory at the size of the released train split

Two references, neither of which checks anything: the official rule (`deepfashion2_to_coco.py` of the DeepFashion2
repository: rows of 294 landmarks), and the same way with what our conversion writes (the category's own landmarks).
The pictures are hard links to JPEGs of 468 x 624; the annotations have one to three items with as many landmarks,
polygons and points as real ones. Files are in the page cache for all. The ratio
of CPU time compares the work and holds on a busy machine; that of wall time gains from idle cores, which only ours
uses. Memory is the peak of the converting process plus that of its largest worker times the number of workers, shared
pages counted again each time.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

from matchrcnn.data.convert import convert
from matchrcnn.taxonomy import CATEGORIES

LINKS = 1000  # to one JPEG: file systems limit them
DIFFERENT = 1000  # annotations, written again and again


def main() -> None:
    """Generate a split, convert it both ways, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8000)
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
        ways = [way for way in WAYS if way.startswith("ours")] if arguments.ours_only else [*WAYS]
        print(table(split, ways, arguments.images, repeats=1 if arguments.ours_only else 3))


def table(split: Path, ways: list[str], images: int, repeats: int) -> str:
    """Best time and peak memory of each way, each run in a fresh process."""
    runs: dict[str, list[list[float]]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            runs[way].append(_measured(way, split))
    wall, busy = ({way: min(run[n] for run in runs[way]) for way in ways} for n in (0, 1))
    references = [way for way in ways if way.startswith("reference")]
    rows = [
        [
            way,
            f"{wall[way]:.2f}",
            f"{images / wall[way]:,.0f}",
            *(f"{wall[peer] / wall[way]:.1f} ({busy[peer] / busy[way]:.1f})" for peer in references),
            f"{max(run[2] for run in runs[way]):.0f}",
        ]
        for way in ways
    ]
    headers = ["way", "seconds", "images a second", *(f"times {peer}: wall (CPU)" for peer in references), "peak MiB"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def _measured(way: str, split: Path) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.convert", "--one", way, "--split", str(split)]
    return [float(n) for n in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def _run_one(way: str, split: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = _busy()
        start = time.perf_counter()
        WAYS[way](split, Path(folder) / "out.json")
        wall, busy = time.perf_counter() - start, _busy() - before
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(wall, busy, (own + (os.cpu_count() or 1) * children) / 1024)


def _busy() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def official(split: Path, output: Path) -> None:
    """The straightforward conversion by the official rule."""

    def among_all(own: list, category_id: int) -> list:
        points = [0.0] * 882
        first = 3 * CATEGORIES[category_id - 1].offset
        points[first : first + len(own)] = own
        return points

    _reference(split, output, among_all)


def reference(split: Path, output: Path) -> None:
    """The straightforward conversion to what ours writes."""
    _reference(split, output, lambda own, category_id: own)


def _reference(split: Path, output: Path, landmarks: Callable[[list, int], list]) -> None:
    dataset: dict = {"images": [], "annotations": [], "categories": [{"id": c.id, "name": c.name} for c in CATEGORIES]}
    for path in sorted((split / "annos").iterdir()):
        picture = split / "image" / f"{path.stem}.jpg"
        with Image.open(picture) as image:
            width, height = image.size
        with path.open() as file:
            record = json.load(file)
        head = {"source": record.pop("source"), "pair_id": record.pop("pair_id")}
        size = {"file_name": picture.name, "width": width, "height": height}
        dataset["images"].append({"id": int(path.stem)} | size | head)
        for item in record.values():
            x1, y1, x2, y2 = item["bounding_box"]
            own = item["landmarks"]
            annotation = {
                "id": len(dataset["annotations"]) + 1,
                "image_id": int(path.stem),
                "category_id": item["category_id"],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "segmentation": item["segmentation"],
                "keypoints": landmarks(own, item["category_id"]),
                "num_keypoints": sum(visibility > 0 for visibility in own[2::3]),
            }
            attributes = {name: item[name] for name in ("style", "scale", "occlusion", "zoom_in", "viewpoint")}
            dataset["annotations"].append(annotation | attributes | head)
    with output.open("w") as file:
        json.dump(dataset, file)


def ours(split: Path, output: Path) -> None:
    """`matchrcnn convert` as it is."""
    convert(split, output)


def ours_in_one_process(split: Path, output: Path) -> None:
    """The same without workers."""
    convert(split, output, workers=1)


WAYS = {
    "reference, official rule": official,
    "reference, own landmarks": reference,
    "ours, one process": ours_in_one_process,
    "ours": ours,
}


def generate(split: Path, images: int) -> None:
    """Write a split in the original layout: `images` annotations of one to three items, links to JPEGs of 80 KB."""
    dice = random.Random(0)
    for name in ("image", "annos"):
        (split / name).mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (78, 58, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((468, 624))
    annotations = [json.dumps(_annotation(dice)) for _ in range(DIFFERENT)]
    for number in range(1, images + 1):
        path = split / "image" / f"{number:06}.jpg"
        if number % LINKS == 1:
            picture.save(path, quality=95)
            source = path
        else:
            path.hardlink_to(source)
        (split / "annos" / f"{number:06}.json").write_text(annotations[number % DIFFERENT])


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
