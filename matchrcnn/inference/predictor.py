"""Trained runs as one call: from a picture to its garments."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from detectron2.modeling.postprocessing import detector_postprocess
from detectron2.structures import Instances
from PIL import Image

from matchrcnn.errors import UserError
from matchrcnn.inference.gallery.find import Gallery
from matchrcnn.inference.learned import drawings_note, with_corner
from matchrcnn.inference.network import Network
from matchrcnn.inference.photos.drawing import LONGER_EDGE, draw_garments
from matchrcnn.inference.photos.garment import Garment, as_table
from matchrcnn.inference.photos.inputs import model_input
from matchrcnn.inference.photos.reading import Photo, Picture, read_photo
from matchrcnn.inference.plan import SHOWN, Plan
from matchrcnn.masks import RunLengths, encode
from matchrcnn.tasks import EMBEDDINGS, LANDMARKS, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd

MIN_SCORE = 0.5


class Predictor:
    """Garments in pictures, by one trained run or several together.

    The first run finds the garments: their boxes, categories and scores. Each of the streams, masks and landmarks,
    comes from the first run that has learned it, computed on the boxes of the first. So one folder of a segmentation
    run gives boxes and masks, with the folder of a landmarks run landmarks too, and a retrieval run has everything.

        predictor = Predictor.load("models/segmentation", "models/landmarks")
        for garment in predictor("photo.jpg"):
            print(garment.category, garment.score, garment.box, garment.mask, garment.landmarks)
        predictor.draw("photo.jpg").save("garments.png")
        table = predictor.table(["photo.jpg"])

    A picture is a path, a Pillow image or an array (`photos.reading.Picture`); a file's EXIF orientation is honoured,
    and all coordinates are pixels of the upright picture.
    """

    def __init__(self, networks: Sequence[Network], streams: dict[Stream, Network], gallery: Gallery | None) -> None:
        self.networks, self.streams, self.gallery = list(networks), streams, gallery

    def __repr__(self) -> str:
        runs = [network.folder for network in self.networks]
        note = drawings_note(runs)
        return f"<Predictor: {', '.join(map(str, runs))}{f'; {note}' if note else ''}>"

    @classmethod
    def load(
        cls,
        *runs: Path | str,
        device: str = "auto",
        min_score: float = MIN_SCORE,
        index: Path | str | None = None,
        top: int = 10,
        streams: Iterable[str] = tuple(stream.name for stream in SHOWN),
    ) -> Self:
        """Read trained runs.

        Args:
            runs: folders as models/RUN; none: those of models/ that have learned most together (`choose_runs`).
            device: auto (a GPU where there is one), cpu or cuda.
            min_score: garments with a lower score are left out, 0..1.
            index: of a gallery (`matchrcnn search`), for similar garments; the run that built it must be given.
            top: similar garments for each garment.
            streams: what to compute beyond boxes, of masks and landmarks.

        Raises:
            UserError: a folder holds no trained run, there is no such device or stream, or the index is of none of the
                runs.
        """
        plan = Plan.make([Path(run) for run in runs], None if index is None else Path(index), _shown(streams))
        return cls.of_plan(plan, device, min_score, top)

    @classmethod
    def of_plan(cls, plan: Plan, device: str = "auto", min_score: float = MIN_SCORE, top: int = 10) -> Self:
        """Read the runs of a plan."""
        networks = {run: Network.load(run, device, min_score=min_score) for run in plan.runs}
        for run, network in networks.items():
            network.limit([stream for stream, source in plan.streams.items() if source == run])
        gallery = Gallery.load(plan.index, plan.streams[EMBEDDINGS], top, min_score) if plan.index else None
        return cls(list(networks.values()), {stream: networks[run] for stream, run in plan.streams.items()}, gallery)

    def __call__(self, picture: Picture) -> list[Garment]:
        """Return the garments of a picture, by descending score.

        Raises:
            UserError: it cannot be read.
        """
        return self.of_photos([read_photo(picture)])[0]

    def batches(self, pictures: Iterable[Picture]) -> Iterator[list[Garment]]:
        """Yield the garments of each picture, computed in minibatches of the first run's size.

        Raises:
            UserError: one cannot be read.
        """
        photos = map(read_photo, pictures)
        while batch := list(islice(photos, self.networks[0].run.inference.minibatch)):
            yield from self.of_photos(batch)

    def table(self, pictures: Iterable[Picture]) -> "pd.DataFrame":
        """Return a row per garment, see `photos.garment.as_table`; arrays and images are named by their number."""
        pictures = list(pictures)
        names = [str(each) if isinstance(each, Path | str) else str(n) for n, each in enumerate(pictures)]
        return as_table(zip(names, self.batches(pictures), strict=True))

    def draw(self, picture: Picture, longer_edge: int = LONGER_EDGE) -> Image.Image:
        """Return the picture with its garments drawn over it, its longer edge at most `longer_edge` pixels."""
        photo = read_photo(picture)
        drawn = draw_garments(photo, self.of_photos([photo])[0], longer_edge)
        return with_corner(drawn, [network.folder for network in self.networks])

    def of_photos(self, photos: Sequence[Photo]) -> list[list[Garment]]:
        """Return the garments of photos.

        Photos of one size are computed together; others would be padded, and the garments found in one would depend on
        the others.
        """
        found: dict[int, list[Garment]] = {}
        for places in self._together(photos):
            found.update(zip(places, self._of_one_size([photos[place] for place in places]), strict=True))
        return [found[place] for place in range(len(photos))]

    def _together(self, photos: Sequence[Photo]) -> list[list[int]]:
        """Places of the photos to compute together: on a CPU one each, as kernels round by the minibatch's size."""
        if self.networks[0].model.device.type == "cpu":
            return [[place] for place in range(len(photos))]
        of_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, photo in enumerate(photos):
            of_size[photo.image.size].append(place)
        return list(of_size.values())

    def _of_one_size(self, photos: Sequence[Photo]) -> list[list[Garment]]:
        first, *others = self.networks
        found = first.find([model_input(photo, first.run.model) for photo in photos])
        by_network = {first: found}
        for network in others:
            by_network[network] = network.describe([model_input(photo, network.run.model) for photo in photos], found)
        return [
            self._garments(photo, found[place], {each: by_network[run][place] for each, run in self.streams.items()})
            for place, photo in enumerate(photos)
        ]

    def _garments(self, photo: Photo, found: Instances, streams: dict[Stream, Instances]) -> list[Garment]:
        garments = _garments(photo, found, streams)
        if self.gallery is None:
            return [garment for garment in garments if garment]
        vectors = streams[EMBEDDINGS].pred_embeddings.numpy()
        similar = self.gallery.similar(vectors, self.streams[EMBEDDINGS])
        return [replace(each, similar=some) for each, some in zip(garments, similar, strict=True) if each]


def _garments(photo: Photo, found: Instances, streams: dict[Stream, Instances]) -> list[Garment | None]:
    """Garments in pixels of the whole photo, from those of each stream's network in pixels of its input.

    None stands for a box without area.
    """
    garments: list[Garment | None] = []
    for place in range(len(found)):
        one = Instances(found.image_size, pred_boxes=found.pred_boxes[place].clone())
        one.pred_classes, one.scores = found.pred_classes[place, None], found.scores[place, None]
        if MASKS in streams:
            one.pred_masks = streams[MASKS].pred_masks[place : place + 1]
        # one at a time: a hundred masks of a large photo would not fit into memory
        shown = detector_postprocess(one, photo.image.height, photo.image.width)
        garments.append(_garment(photo, shown, streams, place) if len(shown) else None)
    return garments


def _garment(photo: Photo, shown: Instances, streams: dict[Stream, Instances], place: int) -> Garment:
    label = int(shown.pred_classes[0])
    scale = np.array(photo.size) / photo.image.size
    x1, y1, x2, y2 = (shown.pred_boxes.tensor[0].double().numpy() * [*scale, *scale]).tolist()
    landmarks = None
    if LANDMARKS in streams:
        own = streams[LANDMARKS]
        whole = [photo.size[0] / own.image_size[1], photo.size[1] / own.image_size[0], 1]
        landmarks = own.pred_keypoints[place, : CATEGORIES[label].count].double().numpy() * whole
    rle = _run_lengths(shown.pred_masks[0].numpy(), photo.size) if MASKS in streams else None
    return Garment(label + 1, float(shown.scores[0]), (x1, y1, x2, y2), rle, landmarks)


def _run_lengths(mask: np.ndarray, size: tuple[int, int]) -> RunLengths:
    """A mask, (H, W) bool, at the size of the whole photo, width and height."""
    pixels = Image.fromarray(mask.view(np.uint8))
    if pixels.size != size:
        pixels = pixels.resize(size, Image.Resampling.NEAREST)
    return encode(np.asarray(pixels))


def _shown(names: Iterable[str]) -> list[Stream]:
    known = {stream.name: stream for stream in SHOWN}
    names = list(names)
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"streams: {unknown[0]!r} is none of {', '.join(known)}")
    return [known[name] for name in names]
