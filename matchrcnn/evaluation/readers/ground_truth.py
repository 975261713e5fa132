"""Ground truth of a split as columns, read from a converted annotation file."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from mmap import ACCESS_READ, mmap
from operator import attrgetter
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import numpy as np
from pycocotools import mask as rle_masks

from matchrcnn.errors import UserError
from matchrcnn.evaluation.readers.rle import Masks
from matchrcnn.files import no_json, unreadable, without_mark
from matchrcnn.subsets import column_bits
from matchrcnn.taxonomy import ATTRIBUTES, MAX_LANDMARKS, NUM_CATEGORIES, NUM_LANDMARKS, category

Level = Annotated[int, msgspec.Meta(ge=1, le=3)]
Flag = Annotated[int, msgspec.Meta(ge=0, le=1)] | bool


class _Rle(msgspec.Struct):
    size: tuple[int, int]
    counts: str | list[Annotated[int, msgspec.Meta(ge=0)]]


class _Image(msgspec.Struct, gc=False):
    id: int
    height: int
    width: int


class _Annotation(msgspec.Struct, gc=False):
    image_id: int
    category_id: Annotated[int, msgspec.Meta(ge=1, le=NUM_CATEGORIES)]
    bbox: tuple[float, float, float, float]
    scale: Level
    occlusion: Level
    zoom_in: Level
    viewpoint: Level
    iscrowd: Flag = 0


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]


class _Name(msgspec.Struct, gc=False):
    id: int
    file_name: str


class _Names(msgspec.Struct):
    images: list[_Name]


class _Shape(msgspec.Struct):
    segmentation: msgspec.Raw = msgspec.Raw(b"[]")
    keypoints: msgspec.Raw = msgspec.Raw(b"[]")


class _Shapes(msgspec.Struct):
    annotations: list[_Shape]


F = TypeVar("F", _File, _Names, _Shapes)
V = TypeVar("V")
_LANDMARKS = msgspec.json.Decoder(list[float])
_OUTLINE = msgspec.json.Decoder(list[list[float]] | _Rle)
_LEAST_OUTLINE = len("[[0,0,1,0,1,1]]")
_IMAGE_FIELDS = ("id", "height", "width")
_ITEM_FIELDS = ("image_id", "category_id", *ATTRIBUTES, "iscrowd")


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The items of a split, in the order of their file.

    Attributes:
        path: the file.
        image_ids: (I,) int64, ascending.
        sizes: height and width of each image, (I, 2) int64 pixels.
        image: index of each item's image, (G,) int64.
        category: 0..12 of each item, (G,) int64.
        boxes: xywh in pixels, (G, 4) float64.
        crowd: items with `iscrowd` 1, (G,) bool. As COCO has it they are ignored: any number of detections may match
            one, by the part of the detection's area that is inside it, and such detections are ignored, too.
        columns: bits of the columns that each item belongs to, (G,) uint16, 0 for a crowd item; see `subsets`.
    """

    path: Path
    image_ids: np.ndarray
    sizes: np.ndarray
    image: np.ndarray
    category: np.ndarray
    boxes: np.ndarray
    crowd: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.image)

    @property
    def num_images(self) -> int:
        """I, images with and without items."""
        return len(self.image_ids)

    def find_images(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return indices of the images with some ids, (n,) int64 both, and which of the ids exist, (n,) bool."""
        index = np.searchsorted(self.image_ids, ids)
        known = np.zeros(len(ids), bool)
        inside = index < self.num_images
        known[inside] = self.image_ids[index[inside]] == ids[inside]
        return index, known

    @property
    def areas(self) -> np.ndarray:
        """Box areas, the official measure of an item's size, (G,) float64."""
        return self.boxes[:, 2] * self.boxes[:, 3]

    @property
    def digest(self) -> str:
        """Short digest that identifies the split: its images, items and boxes."""
        parts = (self.image_ids, self.image, self.category, self.columns, self.boxes)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]

    @cached_property
    def file_names(self) -> list[str]:
        """Each image's file, I names in the order of `image_ids`."""
        images = sorted(_decode(self.path, _Names).images, key=attrgetter("id"))
        return [image.file_name for image in images]

    @cached_property
    def _shapes(self) -> list[_Shape]:
        """Outlines and landmarks, read when they are needed: boxes do without nine tenths of the file."""
        return _decode(self.path, _Shapes).annotations

    @cached_property
    def landmarks(self) -> np.ndarray:
        """The category's own landmarks as x, y, v in the first rows, zeros after them: (G, 39, 3) float64.

        An item without `keypoints`, or with an empty list of them, has no landmarks.

        Raises:
            UserError: an item has another number of landmarks than its category and than the official 294.
        """
        landmarks = np.zeros((len(self), MAX_LANDMARKS, 3))
        for index, shape in enumerate(self._shapes):
            own = category(int(self.category[index]) + 1)
            values = self._value(shape.keypoints, _LANDMARKS, index, "keypoints")
            if len(values) not in (0, 3 * own.count, 3 * NUM_LANDMARKS):
                wanted = f"{3 * own.count} ({own.name}) or {3 * NUM_LANDMARKS} values are expected"
                raise UserError(f"{self.path}: annotations[{index}].keypoints: {len(values)} values; {wanted}")
            if not values:
                continue
            points = np.reshape(values, (-1, 3))
            landmarks[index, : own.count] = points[own.landmarks] if len(points) == NUM_LANDMARKS else points
        return landmarks

    def masks(self, chosen: np.ndarray) -> Masks:
        """Return masks of some items, (n,) int64, by pycocotools' own rule for polygons.

        Raises:
            UserError: any item of the file has no mask, or a segmentation is neither polygons nor the RLE of a mask of
                the image's size.
        """
        self._require_masks()
        masks = Masks.join([self._counts(index) for index in chosen.tolist()])
        covered, wanted = masks.pixels(), self.sizes[self.image[chosen]].prod(axis=1)
        if (wrong := np.flatnonzero(covered != wanted)).size:
            index, row = int(chosen[wrong[0]]), int(wrong[0])
            message = f"covers {covered[row]} pixels; its image has {wanted[row]}"
            raise UserError(f"{self.path}: annotations[{index}].segmentation: {message}")
        return masks

    def _require_masks(self) -> None:
        bare = [index for index, shape in enumerate(self._shapes) if _is_empty(shape.segmentation)]
        if bare:
            found = f"{len(bare)} of {len(self)} annotations have no masks, the first is annotations[{bare[0]}]"
            remedy = "give every annotation its segmentation, or score boxes (--task detection)"
            raise UserError(f"{self.path}: {found}; {remedy}")

    def _counts(self, index: int) -> bytes:
        """An item's mask as compressed run lengths."""
        shape = self._value(self._shapes[index].segmentation, _OUTLINE, index, "segmentation")
        height, width = self.sizes[self.image[index]].tolist()
        if isinstance(shape, _Rle):
            if shape.size != (height, width):
                message = f"has the size {list(shape.size)}; its image has {[height, width]} (height, width)"
                raise UserError(f"{self.path}: annotations[{index}].segmentation: {message}")
            if isinstance(shape.counts, str):
                return shape.counts.encode()
            shape = msgspec.to_builtins(shape)
        rles = rle_masks.frPyObjects(shape, height, width)
        return (rle_masks.merge(rles) if isinstance(rles, list) else rles)["counts"]

    def _value(self, raw: msgspec.Raw, wanted: msgspec.json.Decoder[V], index: int, field: str) -> V:
        try:
            return wanted.decode(raw)
        except msgspec.ValidationError as error:
            raise UserError(f"{self.path}: annotations[{index}].{field}: {error}") from None


def _is_empty(raw: msgspec.Raw) -> bool:
    """Whether a JSON value is null or an empty list, or a list of empty lists."""
    text = memoryview(raw)
    return len(text) < _LEAST_OUTLINE and not bytes(text).strip(b"[] \t\r\n").replace(b"null", b"")


def read_ground_truth(path: Path) -> GroundTruth:
    """Read a converted annotation file.

    Raises:
        UserError: it is missing, not JSON, lacks a field, or an item names an image that it does not list.
    """
    content = _decode(path, _File)
    images = _integers(content.images, _IMAGE_FIELDS)
    images = images[np.argsort(images[:, 0])]
    image_ids = images[:, 0].copy()
    if (twice := np.flatnonzero(np.diff(image_ids) == 0)).size:
        raise UserError(f"{path}: images: id {image_ids[twice[0]]} occurs twice")
    items = _integers(content.annotations, _ITEM_FIELDS)
    item_images = items[:, 0]
    image = np.searchsorted(image_ids, item_images)
    known = np.isin(item_images, image_ids)
    if not known.all():
        index = int(np.argmin(known))
        raise UserError(f"{path}: annotations[{index}].image_id: no image has the id {item_images[index]}")
    boxes = np.fromiter(chain.from_iterable(item.bbox for item in content.annotations), np.float64).reshape(-1, 4)
    if (negative := np.flatnonzero(boxes[:, 2:].min(axis=1, initial=0) < 0)).size:
        index = int(negative[0])
        raise UserError(f"{path}: annotations[{index}].bbox: {boxes[index].tolist()}; width and height must not be < 0")
    levels, crowd = items[:, 2:-1], items[:, -1] > 0
    return GroundTruth(
        path=path,
        image_ids=image_ids,
        sizes=images[:, 1:].copy(),
        image=image,
        category=items[:, 1] - 1,
        boxes=boxes,
        crowd=crowd,
        columns=np.where(crowd, np.uint16(0), column_bits(levels)),
    )


def _integers(structs: list[_Image] | list[_Annotation], fields: tuple[str, ...]) -> np.ndarray:
    """Some fields of some structs, (n, fields) int64."""
    values = chain.from_iterable(map(attrgetter(*fields), structs))
    return np.fromiter(values, np.int64).reshape(-1, len(fields))


def _decode(path: Path, wanted: type[F]) -> F:
    try:
        with path.open("rb") as file:  # mapped, so that the file does not lie in memory twice
            content = mmap(file.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        return msgspec.json.decode(without_mark(content), type=wanted)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: not a converted annotation file: {error}; `matchrcnn convert` writes one") from None
    except msgspec.DecodeError as error:
        raise no_json(path, content, error) from None
