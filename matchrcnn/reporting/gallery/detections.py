"""Galleries of a run: its predictions beside the ground truth, for images chosen by a rule."""

import base64
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from matchrcnn.drawing import draw_items
from matchrcnn.files import read_json
from matchrcnn.project import Run
from matchrcnn.reporting.gallery.matching import Json, Matching, as_drawn, best_threshold, match
from matchrcnn.taxonomy import ATTRIBUTES, category

T = TypeVar("T")
CANDIDATES = 2000
"""Images among which the best and the worst are looked for; a seeded choice where there are more."""

LONGER_EDGE = 360
"""Of a picture, in pixels: with some tens of pictures a run the page stays within a few megabytes."""


@dataclass(frozen=True)
class Picture:
    """One image with truth and prediction as data URIs, and what it can be filtered by.

    Attributes:
        pick: why it was chosen: best, worst or random.
        quality: 0..1, see `Matching.quality`.
        subsets: attribute/level of its items.
    """

    name: str
    pick: str
    quality: float
    truth: str
    prediction: str
    truth_text: str
    prediction_text: str
    size: tuple[int, int]
    categories: tuple[str, ...]
    subsets: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """The pictures of a run and the score from which on predictions are shown in them."""

    run: str
    stream: str
    pictures: tuple[Picture, ...]
    threshold: float
    candidates: int

    def choices(self, field: str) -> list[str]:
        """What a filter offers: the values of `categories`, `subsets` or `errors`, in order of their names."""
        return sorted({value for picture in self.pictures for value in getattr(picture, field)})


@dataclass(frozen=True)
class Truth:
    """The converted annotations of a split, by image."""

    images: dict[int, Json]
    items: dict[int, list[Json]]


def load_truth(path: Path) -> Truth:
    """Read a converted annotation file."""
    coco = read_json(path)
    items: dict[int, list[Json]] = defaultdict(list)
    for item in coco["annotations"]:
        items[item["image_id"]].append(item)
    return Truth({image["id"]: image for image in coco["images"]}, items)


def build_gallery(run: Run, truth: Truth, images: Path, count: int, seed: int) -> Gallery | None:
    """Choose about `count` images, a third each best, worst and random, and draw them; None without results."""
    stream = run.task.judged_by.name
    if not run.task.by_category or not run.results_of(run.task.judged_by).exists():
        return None
    matchings = _matchings(run, stream, truth, seed)
    threshold = best_threshold(matchings)
    drawn = _draw(stream, choose(matchings, threshold, count, seed), images, threshold)
    pictures = tuple(drawn)
    return Gallery(run.name, stream, pictures, threshold, len(matchings)) if pictures else None


def _matchings(run: Run, stream: str, truth: Truth, seed: int) -> list[Matching]:
    candidates = [image for image in sorted(truth.images) if truth.items.get(image)]
    if len(candidates) > CANDIDATES:
        candidates = sorted(random.Random(seed).sample(candidates, CANDIDATES))
    predictions: dict[int, list[Json]] = {image: [] for image in candidates}
    for result in read_json(run.results_of(run.task.judged_by)):
        if result["image_id"] in predictions:
            predictions[result["image_id"]].append(result)
    return [match(stream, truth.images[image], truth.items[image], predictions[image]) for image in candidates]


def choose(matchings: Sequence[Matching], threshold: float, count: int, seed: int) -> list[tuple[str, Matching]]:
    """Best and worst images by quality, spread over the categories, then random ones; each image once."""
    ranked = sorted(matchings, key=lambda m: (-m.quality(threshold), m.image["id"]))
    share = max(1, min(count, len(ranked)) // 3)
    best = _over_categories(ranked)[:share]
    left = [m for m in ranked if m not in best]
    worst = _over_categories(left[::-1])[:share]
    left = sorted((m for m in left if m not in worst), key=lambda m: m.image["id"])
    chosen = random.Random(seed).sample(left, min(len(left), share))
    return [(pick, m) for pick, some in (("best", best), ("worst", worst), ("random", chosen)) for m in some]


def spread(ranked: Sequence[T], kinds: Sequence[int]) -> list[T]:
    """The first of every kind, then the second of every kind, and so on; in each turn the order stays."""
    seen: Counter[int] = Counter()
    turns = []
    for kind in kinds:
        turns.append(seen[kind])
        seen[kind] += 1
    return [ranked[place] for place in sorted(range(len(ranked)), key=lambda place: turns[place])]


def _over_categories(ranked: Sequence[Matching]) -> list[Matching]:
    return spread(ranked, [matching.truths[0]["category_id"] for matching in ranked])


def _draw(stream: str, chosen: Sequence[tuple[str, Matching]], images: Path, threshold: float) -> Iterator[Picture]:
    """Pictures of the chosen images; one that cannot be read is left out."""
    for pick, matching in chosen:
        try:
            with Image.open(images / matching.image["file_name"]) as file:
                image = file.convert("RGB")
        except OSError:
            continue
        yield _picture(stream, pick, matching, image, threshold)


def _picture(stream: str, pick: str, matching: Matching, image: Image.Image, threshold: float) -> Picture:
    shown = matching.predictions[: matching.shown(threshold)]
    true, predicted = (
        draw_items(image, [as_drawn(stream, matching.image, item) for item in items], LONGER_EDGE)
        for items in (matching.truths, shown[::-1])
    )
    names = [category(item["category_id"]).name for item in matching.truths]
    levels = {f"{name}/{ATTRIBUTES[name][item[name] - 1]}" for item in matching.truths for name in ATTRIBUTES}
    return Picture(
        name=matching.image["file_name"],
        pick=pick,
        quality=matching.quality(threshold),
        truth=data_uri(true),
        prediction=data_uri(predicted),
        truth_text=", ".join(names),
        prediction_text=", ".join(f"{category(p['category_id']).name} {p['score']:.2f}" for p in shown) or "nothing",
        size=true.size,
        categories=tuple(sorted(set(names))),
        subsets=tuple(sorted(levels)),
        errors=tuple(matching.errors(threshold)),
    )


def data_uri(image: Image.Image) -> str:
    """A picture as a data URI (WebP)."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=70, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
