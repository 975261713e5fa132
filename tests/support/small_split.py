"""Small random splits in the converted format, with results that tie, overlap, miss and swap categories."""

import copy

import numpy as np
from pycocotools import mask as rle_masks

from matchrcnn.taxonomy import CATEGORIES, NUM_LANDMARKS

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


def with_landmarks(rng: np.random.Generator, ground: dict) -> dict:
    """Ground truth with category-wide landmarks; a third of the items have none, or none that is visible."""
    for item in ground["annotations"]:
        category = CATEGORIES[item["category_id"] - 1]
        x, y, w, h = item["bbox"]
        points = np.zeros((category.count, 3))
        points[:, :2] = category.points * [w, h] + [x, y]
        points[:, 2] = rng.choice([0, 1, 2], category.count) * rng.choice([0, 1, 1]) if rng.random() < 0.8 else 1
        points[points[:, 2] == 0] = 0
        item["keypoints"] = points.ravel().tolist()
        item["num_keypoints"] = int((points[:, 2] > 0).sum())
    return ground


def landmark_results(rng: np.random.Generator, ground: dict) -> list[dict]:
    """Category-wide landmarks near those of box results' outlines."""
    found = []
    for entry in box_results(rng, ground):
        category = CATEGORIES[entry["category_id"] - 1]
        x, y, w, h = entry.pop("bbox")
        points = np.ones((category.count, 3))
        points[:, :2] = category.points * [w, h] + [x, y] + rng.normal(0, rng.choice([0, 1, 4]), (category.count, 2))
        found.append({**entry, "keypoints": points.ravel().tolist()})
    return found


def official_truth(ground: dict, least: int) -> dict:
    """Ground truth with 294 landmarks an item, those below a visibility taken out."""
    wide = copy.deepcopy(ground)
    for item in wide["annotations"]:
        category = CATEGORIES[item["category_id"] - 1]
        points = np.zeros((NUM_LANDMARKS, 3))
        points[category.landmarks] = np.reshape(item["keypoints"], (-1, 3))
        points[points[:, 2] < least] = 0
        item["keypoints"] = points.ravel().tolist()
        item["num_keypoints"] = int((points[:, 2] > 0).sum())
    return wide


def official_results(results: list[dict]) -> list[dict]:
    """Results with 294 landmarks, the other categories' at the centre of the own ones' bounding box."""
    wide = []
    for entry in results:
        category = CATEGORIES[entry["category_id"] - 1]
        own = np.reshape(entry["keypoints"], (-1, 3))
        points = np.ones((NUM_LANDMARKS, 3))
        points[:, :2] = (own[:, :2].min(axis=0) + own[:, :2].max(axis=0)) / 2
        points[category.landmarks] = own
        wide.append({**entry, "keypoints": points.ravel().tolist()})
    return wide
