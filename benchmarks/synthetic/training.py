"""The released training split's annotations in size and statistics: 191,961 images, 312,186 items, no content.

Items an image, categories and attributes have the shares that `docs/data.md` states; an item has its category's
landmarks, an outline of as many points, and two or three more polygons, whole pixels, as in the original files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.synthetic.validation import CATEGORY_SHARES, HEIGHT, LEVEL_SHARES, WIDTH
from matchrcnn.files import atomic_write
from matchrcnn.taxonomy import CATEGORIES

IMAGES, ITEMS = 191_961, 312_186
PICTURE = "000001.jpg"
HEAD = b'{"info":{"data_set":"synthetic"},"licenses":[],"categories":[],"annotations":[\n'


def write_training(path: Path, images: int = IMAGES, seed: int = 0) -> int:
    """Write converted annotations in `matchrcnn convert`'s layout; equal arguments give equal files.

    All images name one picture. Returns the number of items.
    """
    rng = np.random.default_rng(seed)
    count = round(ITEMS * images / IMAGES)
    owner = np.sort(np.concatenate([np.arange(images), rng.integers(0, images, count - images)]))
    source = rng.choice(["user", "shop"], images, p=[0.35, 0.65])
    pair = rng.integers(1, max(2, images // 13), images)
    with atomic_write(path) as file:
        for number, item in enumerate(_items(owner, source, pair, rng)):
            file.write((b",\n" if number else HEAD) + item)
        file.write(b'\n],"images":[\n')
        file.write(b",\n".join(_image(number, source[number], pair[number]) for number in range(images)))
        file.write(b"\n]}\n")
    return count


def _image(number: int, source: str, pair: int) -> bytes:
    values = {"id": number + 1, "file_name": PICTURE, "width": WIDTH, "height": HEIGHT}
    return orjson.dumps(values | {"source": str(source), "pair_id": int(pair)})


def _items(owner: np.ndarray, source: np.ndarray, pair: np.ndarray, rng: np.random.Generator) -> Iterator[bytes]:
    category = rng.choice(13, len(owner), p=CATEGORY_SHARES / CATEGORY_SHARES.sum())
    style = np.where(rng.random(len(owner)) < 0.3, 0, rng.integers(1, 4, len(owner)))
    levels = {name: rng.choice(3, len(owner), p=shares) + 1 for name, shares in LEVEL_SHARES.items()}
    for number, image in enumerate(owner.tolist()):
        shown = _shown(CATEGORIES[category[number]].count, rng)
        attributes = {name: int(level[number]) for name, level in levels.items()}
        known = {"pair_id": int(pair[image]), "style": int(style[number]), "source": str(source[image])}
        values = {"id": number + 1, "image_id": image + 1, "category_id": int(category[number]) + 1}
        yield orjson.dumps(values | shown | known | attributes)


def _shown(landmarks: int, rng: np.random.Generator) -> dict[str, Any]:
    x, y = rng.integers(0, 200, 2).tolist()
    width, height = rng.integers(60, 260, 2).tolist()
    counts = [landmarks, *rng.integers(6, 10, rng.integers(2, 4)).tolist()]
    polygons = [(rng.random((count, 2)) * [width, height] + [x, y]).astype(int) for count in counts]
    points = np.zeros((landmarks, 3), int)
    points[:, :2] = rng.random((landmarks, 2)) * [width, height] + [x, y]
    points[:, 2] = rng.choice([0, 1, 2], landmarks, p=[0.1, 0.2, 0.7])
    points[points[:, 2] == 0] = 0
    return {
        "bbox": [float(x), float(y), float(width), float(height)],
        "area": float(width * height),
        "iscrowd": 0,
        "segmentation": [polygon.ravel().tolist() for polygon in polygons],
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "keypoints": points.ravel().tolist(),
    }
