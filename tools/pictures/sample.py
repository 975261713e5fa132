"""Draw docs/images/sample.jpg, a contact sheet of the sample data: `python -m tools.pictures.sample`.

Each column is one identity: a shop image, a user image, and that user image with its masks, boxes and landmarks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from matchrcnn.config import SampleParams
from matchrcnn.data.sample.annotate import annotate
from matchrcnn.data.sample.plan import ImagePlan, plan_split
from matchrcnn.data.sample.scene import Scene, draw

CELL, ZOOM, COLUMNS = (168, 214), 2, 8
HUES = ((228, 87, 86), (76, 120, 168), (84, 162, 75))
Annotated = tuple[Scene, dict[str, Any]]


def main() -> None:
    """Draw the sheet."""
    params = SampleParams()
    columns = list(_columns(params.seed, plan_split(params.seed, "validation", params.validation_images)))
    sheet = Image.new("RGB", (CELL[0] * COLUMNS * ZOOM, CELL[1] * 3 * ZOOM), "white")
    for x, (shop, user) in enumerate(columns):
        for y, picture in enumerate((_enlarged(shop[0].picture), _enlarged(user[0].picture), _explained(*user))):
            sheet.paste(_cell(picture), (x * CELL[0] * ZOOM, y * CELL[1] * ZOOM))
    small = sheet.resize((sheet.width * 5 // 8, sheet.height * 5 // 8), Image.Resampling.LANCZOS)
    small.save(Path(__file__).parents[2] / "docs/images/sample.jpg", quality=88)


def _columns(seed: int, plans: list[ImagePlan]) -> Iterator[tuple[Annotated, Annotated]]:
    """The first identities, each about another category, that have a clear image of each source."""
    shown: set[int] = set()
    for pair_id in sorted({plan.pair_id for plan in plans}):
        own = [plan for plan in plans if plan.pair_id == pair_id and plan.quirk is None]
        about = {plan.garments[plan.focus].design.category_id for plan in own if plan.garments[plan.focus].style == 1}
        found = [_first_clear(seed, [plan for plan in own if plan.source == source]) for source in ("shop", "user")]
        if found[0] and found[1] and not about & shown and len(shown) < COLUMNS:
            shown.add(min(about))
            yield found[0], found[1]


def _first_clear(seed: int, plans: list[ImagePlan]) -> Annotated | None:
    for plan in plans:
        scene = draw(seed, plan)
        annotation = annotate(seed, scene, plan)
        items = [item for key, item in annotation.items() if key.startswith("item")]
        upright = scene.picture.height > scene.picture.width
        if upright and any(item["style"] == 1 and item["scale"] > 1 and item["zoom_in"] < 2 for item in items):
            return scene, annotation
    return None


def _enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width * ZOOM, picture.height * ZOOM), Image.Resampling.BICUBIC)


def _cell(picture: Image.Image) -> Image.Image:
    cell = Image.new("RGB", (CELL[0] * ZOOM, CELL[1] * ZOOM), "white")
    picture.thumbnail((cell.width - 8, cell.height - 8))
    cell.paste(picture, ((cell.width - picture.width) // 2, (cell.height - picture.height) // 2))
    return cell


def _explained(scene: Scene, annotation: dict[str, Any]) -> Image.Image:
    """The picture in pale grey under its annotation; hollow landmarks are covered ones."""
    grey = _enlarged(scene.picture).convert("L").convert("RGB")
    picture = Image.blend(grey, Image.new("RGB", grey.size, "white"), 0.45)
    for hue, (_, item) in zip(HUES, sorted(pair for pair in annotation.items() if "item" in pair[0]), strict=False):
        mask = Image.new("L", picture.size)
        for polygon in item["segmentation"]:
            ImageDraw.Draw(mask).polygon([value * ZOOM for value in polygon], fill=110)
        picture.paste(hue, mask=mask)
        pen = ImageDraw.Draw(picture)
        pen.rectangle([value * ZOOM for value in item["bounding_box"]], outline=hue, width=2)
        for x, y, seen in np.array(item["landmarks"]).reshape(-1, 3) * (ZOOM, ZOOM, 1):
            if seen:
                pen.ellipse([x - 4, y - 4, x + 4, y + 4], fill=hue if seen == 2 else "white", outline=hue, width=2)
    return picture


if __name__ == "__main__":
    main()
