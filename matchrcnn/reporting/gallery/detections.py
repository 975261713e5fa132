"""Galleries of a run: its predictions next to the ground truth, for images chosen by a rule."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from matchrcnn.drawing import DrawnItem, draw_items
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.results import read_results
from matchrcnn.reporting.gallery.choice import Pick, choose
from matchrcnn.reporting.gallery.judged import Judged, JudgedImage, judge
from matchrcnn.subsets import COLUMNS, OVERALL
from matchrcnn.tasks import LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES, CATEGORY_NAMES

CANDIDATES = 2000
"""Images among which the best and the worst are looked for; a seeded choice where there are more."""

LONGER_EDGE = 360
"""Of a picture, in pixels: with some tens of pictures a run the page stays within a few megabytes."""

_VISIBLE = 2


@dataclass(frozen=True)
class Picture:
    """One image with truth and prediction drawn over it, and what it can be filtered by.

    Attributes:
        name: file of the image.
        pick: why it was chosen.
        quality: 0..1, see `judged.JudgedImage`.
        truth, prediction: RGB pictures of `size`.
        truth_text, prediction_text: the garments in words.
        size: width and height in pixels.
        categories: names of the categories of its items.
        subsets: attribute/level of its items.
        errors: kinds of error by their keys in diagnosis.json.
    """

    name: str
    pick: Pick
    quality: float
    truth: Image.Image
    prediction: Image.Image
    truth_text: str
    prediction_text: str
    size: tuple[int, int]
    categories: tuple[str, ...]
    subsets: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """The pictures of a run.

    Attributes:
        run: its name.
        stream: what is drawn.
        pictures: the best, the worst, then random ones.
        threshold: least score of a prediction that is shown.
        candidates: images that they were chosen from.
    """

    run: str
    stream: Stream
    pictures: tuple[Picture, ...]
    threshold: float
    candidates: int

    def choices(self, field: str) -> list[str]:
        """Return what a filter offers: the values of `categories`, `subsets` or `errors`, in order of their names."""
        return sorted({value for picture in self.pictures for value in getattr(picture, field)})


def build_gallery(
    run: str, truth: GroundTruth, results: Path, stream: Stream, images: Path, count: int, seed: int
) -> Gallery | None:
    """Choose about `count` images, a third each best, worst and random, and draw them.

    Args:
        run: its name.
        truth: the split.
        results: the stream's result file.
        stream: boxes, masks or landmarks.
        images: folder of the split's pictures.
        count: how many to choose.
        seed: of the choice.

    Returns:
        The gallery; None where no picture can be read.

    Raises:
        UserError: the result file is missing or wrong.
    """
    judged = judge(truth, read_results(results, truth, stream), stream, candidates(truth, seed))
    pictures = tuple(_draw(judged, stream, choose_images(judged, count, seed), images))
    return Gallery(run, stream, pictures, judged.threshold, len(judged.images)) if pictures else None


def candidates(truth: GroundTruth, seed: int) -> np.ndarray:
    """Return the images that hold an item, or 2,000 of them where there are more: (C,) int64 indices, ascending."""
    images = np.unique(truth.image)
    if len(images) > CANDIDATES:
        images = np.array(sorted(random.Random(seed).sample(images.tolist(), CANDIDATES)))
    return images


def choose_images(judged: Judged, count: int, seed: int) -> list[tuple[Pick, JudgedImage]]:
    """Choose the best and the worst images by quality, spread over the categories of their first items, and others."""
    ranked = sorted(judged.each(), key=lambda image: -image.quality)
    category = judged.truth.category
    return choose(ranked, lambda one: int(category[one.items[0]]), lambda one: one.image, count, seed)


def _draw(judged: Judged, stream: Stream, chosen: list[tuple[Pick, JudgedImage]], images: Path) -> Iterator[Picture]:
    """Pictures of the chosen images; one that cannot be read is left out."""
    for pick, one in chosen:
        name = judged.truth.file_names[one.image]
        try:
            with Image.open(images / name) as file:
                image = file.convert("RGB")
        except OSError:
            continue
        yield _picture(judged, stream, pick, one, name, image)


def _picture(judged: Judged, stream: Stream, pick: Pick, one: JudgedImage, name: str, image: Image.Image) -> Picture:
    truth, results = judged.truth, judged.results
    true = draw_items(image, true_items(truth, stream, one.items), LONGER_EDGE)
    found = draw_items(image, found_items(judged, stream, one)[::-1], LONGER_EDGE)
    names = [CATEGORY_NAMES[category] for category in truth.category[one.items]]
    shown = zip(results.category[one.detections], results.score[one.detections], strict=True)
    return Picture(
        name=name,
        pick=pick,
        quality=one.quality,
        truth=true,
        prediction=found,
        truth_text=", ".join(names),
        prediction_text=", ".join(f"{CATEGORY_NAMES[category]} {score:.2f}" for category, score in shown) or "nothing",
        size=true.size,
        categories=tuple(sorted(set(names))),
        subsets=_subsets(truth.columns[one.items]),
        errors=one.errors,
    )


def _subsets(columns: np.ndarray) -> tuple[str, ...]:
    """Subsets that some items belong to, from their bits."""
    bits = int(np.bitwise_or.reduce(columns))
    return tuple(sorted(name for bit, name in enumerate(COLUMNS[:OVERALL]) if bits >> bit & 1))


def true_items(truth: GroundTruth, stream: Stream, items: np.ndarray) -> list[DrawnItem]:
    """Return ground truths, (n,) int64, as the part of them that a stream is about."""
    ids = (truth.category[items] + 1).tolist()
    if stream is MASKS:
        masks, sizes = truth.masks(items), truth.sizes[truth.image[items]].tolist()
        return [DrawnItem(id_, mask=masks.bitmap(row, *sizes[row])) for row, id_ in enumerate(ids)]
    if stream is LANDMARKS:
        points = truth.landmarks[items]
        return [DrawnItem(id_, landmarks=points[row, : CATEGORIES[id_ - 1].count]) for row, id_ in enumerate(ids)]
    return [DrawnItem(id_, box=tuple(box)) for id_, box in zip(ids, truth.boxes[items].tolist(), strict=True)]


def found_items(judged: Judged, stream: Stream, one: JudgedImage) -> list[DrawnItem]:
    """Return the shown detections of an image, the best score first, as the part of them that a stream is about."""
    results, chosen = judged.results, one.detections
    ids, scores = (results.category[chosen] + 1).tolist(), results.score[chosen].tolist()
    things = list(enumerate(zip(ids, scores, strict=True)))
    if stream is MASKS:
        masks, size = results.masks(chosen), judged.truth.sizes[one.image].tolist()
        return [DrawnItem(id_, mask=masks.bitmap(row, *size), score=score) for row, (id_, score) in things]
    if stream is LANDMARKS:
        points = np.pad(results.landmarks(chosen), ((0, 0), (0, 0), (0, 1)), constant_values=_VISIBLE)
        return [
            DrawnItem(id_, landmarks=points[row, : CATEGORIES[id_ - 1].count], score=score)
            for row, (id_, score) in things
        ]
    boxes = results.boxes(chosen).tolist()
    return [DrawnItem(id_, box=tuple(boxes[row]), score=score) for row, (id_, score) in things]
