"""Random retrieval ground truth and results, in the official formats, full of ties and oddities."""

from random import Random
from typing import Any, NamedTuple

Entry = dict[str, Any]


class Case(NamedTuple):
    queries: list[Entry]
    gallery: list[Entry]
    results: list[Entry]


def case(seed: int, user_images: int = 3, shop_images: int = 4, first: int = 0) -> Case:
    """User images have odd ids, shop images even ones, from 2 * `first` on; pair ids follow."""
    rng = Random(seed)
    users = [2 * (first + image) + 1 for image in range(user_images)]
    shops = [2 * (first + image) for image in range(shop_images)]
    queries = [
        {
            "query_image_id": image,
            "bbox": box(rng),
            "cls": rng.choice((1, 1, 1, 2)),
            **identity(rng, image),
            **levels(rng),
        }
        for image in users
        for _ in range(rng.randint(1, 3))
    ]
    queries[0]["style"] = 1
    gallery = [
        {"gallery_image_id": image, "bbox": box(rng), **identity(rng, image)}
        for image in shops
        for _ in range(rng.randint(0, 3))
    ]
    unknown = 2 * (first + max(user_images, shop_images))
    results = [
        result(rng, image, [*shops, unknown]) for image in [*users, unknown + 1] for _ in range(rng.randint(0, 5))
    ]
    rng.shuffle(results)
    return Case(queries, gallery, results)


def joined(cases: list[Case]) -> Case:
    return Case(*([entry for part in parts for entry in part] for parts in zip(*cases, strict=True)))


def as_split(entries: Case) -> dict[str, Any]:
    """A converted split of the same items, and of all images of the results."""

    def item(entry: Entry, source: str) -> Entry:
        x1, y1, x2, y2 = entry["bbox"]
        shared = {key: entry.get(key, 1) for key in ("pair_id", "style", "scale", "occlusion", "zoom_in", "viewpoint")}
        image = entry["query_image_id" if source == "user" else "gallery_image_id"]
        box = [x1, y1, x2 - x1, y2 - y1]
        return {"image_id": image, "bbox": box, "category_id": entry.get("cls", 1), "source": source, **shared}

    items = [item(entry, "user") for entry in entries.queries] + [item(entry, "shop") for entry in entries.gallery]
    ids = {item["image_id"] for item in items} | {entry["query_image_id"] for entry in entries.results}
    ids.update(image for entry in entries.results for image in entry["gallery_image_id"])
    images = [{"id": image, "height": 9, "width": 9} for image in sorted(ids)]
    return {"images": images, "annotations": items}


def box(rng: Random) -> list[float]:
    """Few whole coordinates, so that boxes coincide and IoUs tie and lie on 0.5; some boxes have no area."""
    x, y = rng.randint(0, 2), rng.randint(0, 2)
    return [float(x), float(y), float(x + rng.choice((0, 1, 2, 3, 4, 4))), float(y + rng.choice((0, 1, 2, 3, 4, 4)))]


def identity(rng: Random, image: int) -> Entry:
    """Images with numbers that agree in all but the last two bits are of one pair."""
    return {"pair_id": image // 4, "style": rng.choice((0, 1, 1, 2))}


def levels(rng: Random) -> Entry:
    return {name: rng.randint(1, 3) for name in ("scale", "occlusion", "zoom_in", "viewpoint")}


def result(rng: Random, image_id: int, shops: list[int]) -> Entry:
    count = rng.choice((0, 1, 3, 20, 25))
    return {
        "query_image_id": image_id,
        "query_bbox": box(rng),
        "query_cls": rng.choice((1, 1, 1, 2)),
        "query_score": rng.choice((0.25, 0.5, 0.75)),
        "gallery_image_id": [rng.choice(shops) for _ in range(count)],
        "gallery_bbox": [box(rng) for _ in range(count)],
    }
