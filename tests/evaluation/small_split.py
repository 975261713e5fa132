"""Small random splits in the converted format, with results that tie, overlap, miss and swap categories."""

import numpy as np
from pycocotools import mask as rle_masks

from matchrcnn.taxonomy import CATEGORIES

SIZE = 64


def truth(rng: np.random.Generator, images: int = 6, categories: int = 3) -> dict:
    """Ground truth: up to five items an image, some on the same spot."""
    items = []
    for image in range(1, images + 1):
        spots = [_box(rng) for _ in range(2)]
        for _ in range(rng.integers(0, 6)):
            spot = spots[rng.integers(2)] if rng.random() < 0.6 else _box(rng)
            items.append(_item(rng, len(items) + 1, image, int(rng.integers(1, categories + 1)), _near(rng, spot)))
    return {
        "images": [
            {"id": i, "file_name": f"{i:06}.jpg", "width": SIZE, "height": SIZE, "source": "user", "pair_id": i}
            for i in rng.permutation(np.arange(1, images + 1)).tolist()
        ],
        "annotations": items,
        "categories": [{"id": category.id, "name": category.name} for category in CATEGORIES],
    }


def _item(rng: np.random.Generator, number: int, image: int, category_id: int, box: list[float]) -> dict:
    x, y, w, h = box
    levels = {name: int(rng.integers(1, 4)) for name in ("scale", "occlusion", "zoom_in", "viewpoint")}
    return {
        "id": number,
        "image_id": image,
        "category_id": category_id,
        "bbox": box,
        "area": w * h,
        "iscrowd": 0,
        "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
        **levels,
    }


def box_results(rng: np.random.Generator, ground: dict, false: int = 8) -> list[dict]:
    """Boxes near items, some twice, some of a wrong category, and false ones; scores of one decimal tie often."""
    found = []
    for item in ground["annotations"]:
        for _ in range(rng.integers(0, 4)):
            category = item["category_id"] if rng.random() < 0.8 else int(rng.integers(1, 5))
            box = item["bbox"] if rng.random() < 0.3 else _near(rng, item["bbox"])
            found.append(_result(rng, item["image_id"], category, box))
    ids = [image["id"] for image in ground["images"]]
    for _ in range(rng.integers(0, false)):
        found.append(_result(rng, int(rng.choice(ids)), int(rng.integers(1, 5)), _box(rng)))
    return [found[i] for i in rng.permutation(len(found))]


def mask_results(rng: np.random.Generator, ground: dict) -> list[dict]:
    """The masks of box results."""
    return [_masked(entry) for entry in box_results(rng, ground)]


def _masked(entry: dict) -> dict:
    x, y, w, h = entry.pop("bbox")
    rle = rle_masks.merge(rle_masks.frPyObjects([[x, y, x + w, y, x + w, y + h, x, y + h]], SIZE, SIZE))
    return {**entry, "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()}}


def _result(rng: np.random.Generator, image: int, category_id: int, box: list[float]) -> dict:
    score = round(float(rng.random()), int(rng.choice([1, 16])))
    return {"image_id": image, "category_id": category_id, "bbox": box, "score": score}


def _box(rng: np.random.Generator) -> list[float]:
    x, y = rng.integers(0, SIZE // 2, 2).tolist()
    w, h = rng.integers(1, SIZE // 2, 2).tolist()
    return [float(x), float(y), float(w), float(h)]


def _near(rng: np.random.Generator, box: list[float]) -> list[float]:
    x, y, w, h = (np.array(box) + rng.integers(-3, 4, 4)).tolist()
    return [max(x, 0.0), max(y, 0.0), max(w, 1.0), max(h, 1.0)]
