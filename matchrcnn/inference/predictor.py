"""Trained runs as one call: a picture in, garments out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pycocotools.mask
from detectron2.modeling.postprocessing import detector_postprocess
from detectron2.structures import Instances
from PIL import Image

from matchrcnn.inference.gallery.find import Gallery
from matchrcnn.inference.learned import drawings_note, with_corner
from matchrcnn.inference.network import Network
from matchrcnn.inference.photos.drawing import LONGER_EDGE, draw_garments
from matchrcnn.inference.photos.garment import Garment, as_table
from matchrcnn.inference.photos.reading import Photo, Picture, read_photo
from matchrcnn.inference.plan import Plan
from matchrcnn.inference.runs import STREAMS
from matchrcnn.modeling.build import pick_device
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.taxonomy import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd

MIN_SCORE = 0.5


class Predictor:
    """Garments in pictures, by one trained run or several together.

    The first run finds the garments: their boxes, categories and scores. Each of the streams, masks and landmarks,
    comes from the first run that has learned it, computed on the boxes of the first. So one folder of a segmentation
    run gives boxes and masks, with that of a landmarks run beside it landmarks too, and a retrieval run has everything.

        predictor = Predictor.load("models/segmentation", "models/landmarks")
        for garment in predictor("photo.jpg"):
            print(garment.category, garment.score, garment.box, garment.mask, garment.landmarks)
        predictor.draw("photo.jpg").save("garments.png")
        table = predictor.table(["photo.jpg"])

    A picture is a path, a Pillow image or an array (`photos.reading.Picture`); a file's EXIF orientation is honoured,
    and all coordinates are pixels of the upright picture.
    """

    def __init__(self, networks: Sequence[Network], streams: dict[str, Network], gallery: Gallery | None) -> None:
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
        streams: Iterable[str] = STREAMS,
    ) -> Self:
        """Read trained runs.

        Args:
            runs: folders as models/RUN; none: those of models/ that see most together (`choose_runs`).
            device: auto (a GPU where there is one), cpu or cuda.
            min_score: garments that the detector is less sure of are left out, 0..1.
            index: of a gallery (`matchrcnn search`), for similar garments; the run that built it must be given.
            top: similar garments named for each garment.
            streams: what is wanted beyond boxes, of masks and landmarks.

        Raises:
            UserError: a folder holds no trained run, there is no such device, or the index is of none of the runs.
        """
        plan = Plan.make([Path(run) for run in runs], None if index is None else Path(index), streams)
        return cls.of_plan(plan, device, min_score, top)

    @classmethod
    def of_plan(cls, plan: Plan, device: str = "auto", min_score: float = MIN_SCORE, top: int = 10) -> Self:
        """Read the runs of a plan."""
        make_deterministic()
        networks = {run: Network(run, pick_device(device), min_score) for run in plan.runs}
        for run, network in networks.items():
            network.limit({stream for stream, source in plan.streams.items() if source == run})
        gallery = Gallery.load(plan.index, plan.streams["embeddings"], top, min_score) if plan.index else None
        return cls(list(networks.values()), {name: networks[run] for name, run in plan.streams.items()}, gallery)

    def __call__(self, picture: Picture) -> list[Garment]:
        """The garments of a picture, by descending score.

        Raises:
            UserError: it cannot be read.
        """
        return self.of_photos([read_photo(picture)])[0]

    def batches(self, pictures: Iterable[Picture]) -> Iterator[list[Garment]]:
        """The garments of each picture, a minibatch of the first run at a time.

        Raises:
            UserError: one cannot be read.
        """
        photos = map(read_photo, pictures)
        while batch := list(islice(photos, self.networks[0].run.inference.minibatch)):
            yield from self.of_photos(batch)

    def table(self, pictures: Iterable[Picture]) -> "pd.DataFrame":
        """A row a garment, see `photos.garment.as_table`; pictures that are no files go by their number."""
        pictures = list(pictures)
        names = [str(each) if isinstance(each, Path | str) else str(n) for n, each in enumerate(pictures)]
        return as_table(zip(names, self.batches(pictures), strict=True))

    def draw(self, picture: Picture, longer_edge: int = LONGER_EDGE) -> Image.Image:
        """The picture with its garments over it, reduced to an edge where it is larger."""
        photo = read_photo(picture)
        drawn = draw_garments(photo, self.of_photos([photo])[0], longer_edge)
        return with_corner(drawn, [network.folder for network in self.networks])

    def of_photos(self, photos: Sequence[Photo]) -> list[list[Garment]]:
        """The garments of photos that were read before.

        Photos of one size are computed together; others would be padded, and what is found in a photo would depend on
        its company.
        """
        found: dict[int, list[Garment]] = {}
        for places in self._together(photos):
            found.update(zip(places, self._of_one_size([photos[place] for place in places]), strict=True))
        return [found[place] for place in range(len(photos))]

    def _together(self, photos: Sequence[Photo]) -> list[list[int]]:
        """Places of the photos that are computed in one go: on a CPU one each, as kernels round by the batch's size."""
        if self.networks[0].model.device.type == "cpu":
            return [[place] for place in range(len(photos))]
        of_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, photo in enumerate(photos):
            of_size[photo.image.size].append(place)
        return list(of_size.values())

    def _of_one_size(self, photos: Sequence[Photo]) -> list[list[Garment]]:
        first, *others = self.networks
        found = first.find([first.input(photo) for photo in photos])
        told = {first: found}
        for network in others:
            told[network] = network.describe([network.input(photo) for photo in photos], found)
        return [
            self._garments(photo, found[place], {stream: told[run][place] for stream, run in self.streams.items()})
            for place, photo in enumerate(photos)
        ]

    def _garments(self, photo: Photo, found: Instances, streams: dict[str, Instances]) -> list[Garment]:
        garments = _garments(photo, found, streams)
        if self.gallery is None:
            return [garment for garment in garments if garment]
        vectors = streams["embeddings"].pred_embeddings.numpy()
        similar = self.gallery.similar(vectors, self.streams["embeddings"].model)
        return [replace(each, similar=some) for each, some in zip(garments, similar, strict=True) if each]


def _garments(photo: Photo, found: Instances, streams: dict[str, Instances]) -> list[Garment | None]:
    """Garments in pixels of the whole photo, from what each stream's network says in pixels of its input.

    None stands for a box without area.
    """
    garments: list[Garment | None] = []
    for place in range(len(found)):
        one = Instances(found.image_size, pred_boxes=found.pred_boxes[place].clone())
        one.pred_classes, one.scores = found.pred_classes[place, None], found.scores[place, None]
        if "masks" in streams:
            one.pred_masks = streams["masks"].pred_masks[place : place + 1]
        # one at a time: a hundred masks of a large photo would not fit into memory
        shown = detector_postprocess(one, photo.image.height, photo.image.width)
        garments.append(_garment(photo, shown, streams, place) if len(shown) else None)
    return garments


def _garment(photo: Photo, shown: Instances, streams: dict[str, Instances], place: int) -> Garment:
    label = int(shown.pred_classes[0])
    scale = np.array(photo.size) / photo.image.size
    x1, y1, x2, y2 = (shown.pred_boxes.tensor[0].double().numpy() * [*scale, *scale]).tolist()
    landmarks = None
    if "landmarks" in streams:
        said = streams["landmarks"]
        whole = [photo.size[0] / said.image_size[1], photo.size[1] / said.image_size[0], 1]
        landmarks = said.pred_keypoints[place, : CATEGORIES[label].count].double().numpy() * whole
    rle = _rle(shown.pred_masks[0].numpy(), photo.size) if "masks" in streams else None
    return Garment(label + 1, float(shown.scores[0]), (x1, y1, x2, y2), rle, landmarks)


def _rle(mask: np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
    """A mask in COCO's compressed form, at the size of the whole photo."""
    pixels = Image.fromarray(mask.view(np.uint8))
    if pixels.size != size:
        pixels = pixels.resize(size, Image.Resampling.NEAREST)
    rle = pycocotools.mask.encode(np.asfortranarray(np.asarray(pixels)))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}
