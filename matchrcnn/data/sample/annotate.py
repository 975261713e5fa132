"""What an annotator would write about a scene, in the original format."""

from typing import Any

import numpy as np

from matchrcnn.data.sample.canvas import SUPERSAMPLING, Canvas
from matchrcnn.data.sample.curves import area, clip, smooth
from matchrcnn.data.sample.garment import Garment
from matchrcnn.data.sample.identities import ImagePlan, Worn
from matchrcnn.data.sample.scene import Scene
from matchrcnn.data.sample.tailor import pixels, straps
from matchrcnn.taxonomy import CATEGORY_NAMES

SCALE_LIMITS = (0.10, 0.40)
"""Share of the image that the bounding box covers: small below the first, large above the second."""

OCCLUSION_LIMITS = (0.15, 0.5)
"""Share of the category's landmarks in the image but covered: medium above the first, heavy above the second."""

ZOOM_LIMITS = (0.0, 0.3)
"""Share of the category's landmarks outside the image: medium above the first, large above the second."""

VIEWPOINTS = {"flat": 1, "front": 2, "side": 3, "back": 3}

LOOSENESS = 3
"""Most pixels by which a side of the box lies outside the tight bound, in the original also unequal."""

SMALLEST = 14
"""Items whose box in the image is narrower or lower than this many pixels are not annotated."""

LEAST_SEEN = 0.12
"""Items of which a smaller share within the image is uncovered are not annotated."""


def annotate(scene: Scene, plan: ImagePlan, rng: np.random.Generator) -> dict[str, Any]:
    """The annotation file's content: an entry an item, `source` and `pair_id`, in no particular order."""
    items = [_item(scene, i, worn, rng) for i, worn in enumerate(plan.garments)]
    shown = [item for item in items if item is not None]
    entries: list[tuple[str, Any]] = [(f"item{number}", item) for number, item in enumerate(shown[::-1], 1)]
    entries += [("source", plan.source), ("pair_id", plan.pair_id)]
    return {entries[i][0]: entries[i][1] for i in rng.permutation(len(entries))}


def _item(scene: Scene, index: int, worn: Worn, rng: np.random.Generator) -> dict[str, Any] | None:
    garment, size = scene.garments[index], scene.picture.size
    polygons = _polygons(garment, scene, size)
    if not polygons or _share_seen(scene.canvas, index + 1) < LEAST_SEEN:
        return None
    box = _loose_box(polygons, size, rng)
    if min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
        return None
    landmarks = _landmarks(garment, scene, index + 1)
    category_id = worn.design.category_id
    return {
        "segmentation": [polygon.ravel().tolist() for polygon in polygons],
        "scale": _level(_box_share(box, size), SCALE_LIMITS),
        "viewpoint": VIEWPOINTS[scene.pose.view],
        "zoom_in": _level(float((landmarks[:, 2] == 0).mean()), ZOOM_LIMITS),
        "landmarks": landmarks.ravel().tolist(),
        "style": worn.style,
        "bounding_box": box,
        "category_id": category_id,
        "occlusion": _level(float((landmarks[:, 2] == 1).mean()), OCCLUSION_LIMITS),
        "category_name": CATEGORY_NAMES[category_id - 1],
    }


def _level(share: float, limits: tuple[float, float]) -> int:
    return 1 + sum(share > limit for limit in limits)


def _box_share(box: list[int], size: tuple[int, int]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1]) / (size[0] * size[1])


def _polygons(garment: Garment, scene: Scene, size: tuple[int, int]) -> list[np.ndarray]:
    """The outline, then parts that cover it again or lie beside it: sleeves and straps; int64 (n, 2) each."""
    points = pixels(garment, scene.camera)
    loops = [smooth(points[list(loop)], steps=3) for loop in garment.outlines + garment.sleeves]
    cut = (clip(loop / SUPERSAMPLING, size[0] - 1, size[1] - 1) for loop in loops + straps(garment, scene.camera))
    rounded = [_without_repeats(np.rint(polygon).astype(int)) for polygon in cut if len(polygon) >= 3]
    return [polygon for polygon in rounded if len(polygon) >= 3 and area(polygon) >= 4]


def _without_repeats(polygon: np.ndarray) -> np.ndarray:
    return polygon[(polygon != np.roll(polygon, 1, 0)).any(1)]


def _share_seen(canvas: Canvas, item: int) -> float:
    """How much of what was painted of an item is still to be seen."""
    if item not in canvas.shapes:
        return 0.0
    painted = canvas.shapes[item].histogram()[255]
    return canvas.owner.histogram()[item] / max(painted, 1)


def _loose_box(polygons: list[np.ndarray], size: tuple[int, int], rng: np.random.Generator) -> list[int]:
    points = np.concatenate(polygons)
    low = np.maximum(points.min(0) - rng.integers(0, LOOSENESS + 1, 2), 0)
    high = np.minimum(points.max(0) + rng.integers(0, LOOSENESS + 1, 2), np.array(size) - 1)
    return [*low.tolist(), *high.tolist()]


def _landmarks(garment: Garment, scene: Scene, item: int) -> np.ndarray:
    """x, y, visibility of the category's landmarks, (count, 3) int64: 2 visible, 1 covered, 0 outside."""
    places = np.rint(pixels(garment, scene.camera)[: garment.design.category.count] / SUPERSAMPLING).astype(int)
    inside = ((places >= 0) & (places < scene.picture.size)).all(1)
    seen = np.array(
        [i not in garment.covered and _is_seen(scene.canvas, item, place) for i, place in enumerate(places)]
    )
    visibility = np.where(inside, 1 + seen, 0)
    return np.concatenate([places * inside[:, None], visibility[:, None]], 1)


def _is_seen(canvas: Canvas, item: int, place: np.ndarray) -> bool:
    """Whether most of the garment right around an image point is uncovered; outlines run through landmarks."""
    x, y = (place * SUPERSAMPLING).tolist()
    around = (x - 4, y - 4, x + 5, y + 5)
    own = np.asarray(canvas.shapes[item].crop(around)) > 0
    uncovered = np.asarray(canvas.owner.crop(around)) == item
    return bool(own.any() and (own & uncovered).sum() >= 0.5 * own.sum())
