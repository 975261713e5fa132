"""What an annotator would write about a scene, in the original format."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matchrcnn.data.sample.canvas import SUPERSAMPLING, Canvas
from matchrcnn.data.sample.curves import area, clip, smooth
from matchrcnn.data.sample.garment import Garment
from matchrcnn.data.sample.identities import Worn
from matchrcnn.data.sample.plan import ImagePlan
from matchrcnn.data.sample.quirks import spoil
from matchrcnn.data.sample.scene import Scene
from matchrcnn.data.sample.tailor import pixels, straps
from matchrcnn.taxonomy import CATEGORY_NAMES

SCALE_LIMITS = (0.10, 0.40)
"""Share of the image that the bounding box covers: small below the first, large above the second."""

OCCLUSION_LIMITS = (0.2, 0.6)
"""Share of the category's landmarks in the image but covered: medium above the first, heavy above the second."""

ZOOM_LIMITS = (0.0, 0.4)
"""Share of the category's landmarks outside the image: medium above the first, large above the second."""

VIEWPOINTS = {"flat": 1, "front": 2, "side": 3, "back": 3}

LOOSENESS = 3
"""Most pixels by which a side of the box lies outside the tight bound, in the original also unequal."""

SMALLEST = 14
"""Items whose box in the image is narrower or lower than this many pixels are not annotated."""

LEAST_SEEN = 0.2
"""Items of which a smaller share within the image is uncovered are not annotated, but for the one in focus."""


def annotate(seed: int, scene: Scene, plan: ImagePlan) -> dict[str, Any]:
    """The annotation file's content: an entry an item, `source` and `pair_id`, in no particular order."""
    rng = plan.rng(seed, purpose=1)
    items = [_item(scene, i, worn, rng, LEAST_SEEN * (i != plan.focus)) for i, worn in enumerate(plan.garments)]
    shown = [item for item in items if item is not None]
    entries: list[tuple[str, Any]] = [(f"item{number}", item) for number, item in enumerate(shown[::-1], 1)]
    entries += [("source", plan.source), ("pair_id", plan.pair_id)]
    annotation = {entries[i][0]: entries[i][1] for i in rng.permutation(len(entries))}
    spoil(annotation, plan.quirk, scene.picture.size)
    return annotation


def _item(scene: Scene, index: int, worn: Worn, rng: np.random.Generator, least: float) -> dict[str, Any] | None:
    garment, size = scene.garments[index], scene.picture.size
    polygons = _polygons(garment, scene, size)
    if not polygons or index + 1 not in scene.canvas.shapes or _share_seen(scene.canvas, index + 1) < least:
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
    inside = np.all((places >= 0) & (places < scene.picture.size), axis=1)
    painted = np.asarray(scene.canvas.shapes[item]) > 0
    seen = painted & (np.asarray(scene.canvas.owner) == item)
    visible = [i not in garment.covered and _is_seen(painted, seen, place) for i, place in enumerate(places.tolist())]
    visibility = np.where(inside, 1 + np.array(visible), 0)
    return np.concatenate([places * inside[:, None], visibility[:, None]], 1)


def _is_seen(painted: np.ndarray, seen: np.ndarray, place: Sequence[int]) -> bool:
    """Whether most of the garment right around an image point is uncovered; outlines run through landmarks."""
    x, y = (SUPERSAMPLING * value for value in place)
    around = slice(max(y - 4, 0), max(y + 5, 0)), slice(max(x - 4, 0), max(x + 5, 0))
    here = int(np.count_nonzero(painted[around]))
    return bool(here) and 2 * int(np.count_nonzero(seen[around])) >= here
