"""Result files in the official formats, read as columns and checked entry by entry."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from matchrcnn.errors import UserError
from matchrcnn.evaluation.readers.broken_entries import explain
from matchrcnn.evaluation.readers.ground_truth import GroundTruth
from matchrcnn.evaluation.readers.json_entries import BrokenEntryError, Entries, entries
from matchrcnn.evaluation.readers.json_masks import find_masks
from matchrcnn.evaluation.readers.json_numbers import numbers
from matchrcnn.evaluation.readers.rle import Masks
from matchrcnn.parallel import in_threads, slices
from matchrcnn.tasks import BOXES, MASKS, Stream
from matchrcnn.taxonomy import CATEGORIES, MAX_LANDMARKS, NUM_CATEGORIES, NUM_LANDMARKS

_LANDMARK_NUMBERS = np.array([3 * category.count for category in CATEGORIES])
_LEAST_MASKS = 256  # fewer are not worth a thread
_SPACE = b" \t\r\n"


class _Rle(msgspec.Struct, gc=False):
    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, eq=False)
class Results:
    """Detections in the order of their file.

    Attributes:
        path: the file.
        text: its bytes, (bytes,) uint8, mapped and not held in memory.
        image: index of each one's image, (D,) int32.
        category: 0..12 of each, (D,) int8.
        score: of each, (D,) float64.
        start: where each one's box, mask or landmarks begin in the text, (D,) int64.
        stop: where they end, (D,) int64.
        length: numbers in them, (D,) int16; -1 for a mask.
    """

    path: Path
    text: np.ndarray
    image: np.ndarray
    category: np.ndarray
    score: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    length: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    def boxes(self, chosen: np.ndarray) -> np.ndarray:
        """Return boxes of some detections, (n,) int64: xywh in pixels, (n, 4) float64."""
        return numbers(self.text, self.start[chosen], 4)

    def masks(self, chosen: np.ndarray) -> Masks:
        """Return masks of some detections, (n,) int64."""
        found = find_masks(self.text, self.start[chosen])
        if (found[:, 2] >= 0).all():
            return Masks(self.text, found[:, 2], found[:, 3], escaped=True)
        places = zip(self.start[chosen], self.stop[chosen], strict=True)
        return Masks.join([_rle(self.text, start, stop).counts.encode() for start, stop in places])

    def landmarks(self, chosen: np.ndarray) -> np.ndarray:
        """Return each one's own category's landmarks in pixels, (n, 39, 2) float64: x and y, then rows of zeros.

        Args:
            chosen: which detections, (n,) int64.
        """
        points = np.zeros((len(chosen), MAX_LANDMARKS, 2))
        for category in CATEGORIES:
            for wide in (False, True):
                rows = self._rows(chosen, category.id - 1, wide)
                skip = 3 * category.offset if wide else 0
                own = numbers(self.text, self.start[chosen[rows]], 3 * category.count, skip)
                points[rows, : category.count] = own.reshape(-1, category.count, 3)[:, :, :2]
        return points

    def all_landmarks(self, chosen: np.ndarray) -> np.ndarray:
        """Return all 294 landmarks of some detections, (n,) int64: x and y in pixels, (n, 294, 2) float64.

        Where an entry has its own category's only, the others lie at the centre of these ones' bounding box.
        """
        points = np.empty((len(chosen), NUM_LANDMARKS, 2))
        own = self.landmarks(chosen)
        for category in CATEGORIES:
            rows = self._rows(chosen, category.id - 1, wide=False)
            points[rows] = fill_points(own[rows, : category.count])[:, None]
            points[rows, category.landmarks] = own[rows, : category.count]
            rows = self._rows(chosen, category.id - 1, wide=True)
            wide = numbers(self.text, self.start[chosen[rows]], 3 * NUM_LANDMARKS)
            points[rows] = wide.reshape(-1, NUM_LANDMARKS, 3)[:, :, :2]
        return points

    def _rows(self, chosen: np.ndarray, category: int, wide: bool) -> np.ndarray:
        is_wide = self.length[chosen] == 3 * NUM_LANDMARKS
        return np.flatnonzero((self.category[chosen] == category) & (is_wide == wide))


def fill_points(landmarks: np.ndarray) -> np.ndarray:
    """Return where other categories' landmarks go, (n, 2): the centre of the bounding box of landmarks (n, k, 2)."""
    return (landmarks.min(axis=1) + landmarks.max(axis=1)) / 2


def read_results(path: Path, truth: GroundTruth, stream: Stream) -> Results:
    """Read and check a result file.

    Args:
        path: a JSON list of {image_id, category_id, score, and the stream's payload}; other fields are skipped.
        truth: the split that it belongs to.
        stream: boxes, masks or landmarks. Its payload holds a detection's box (xywh), mask (RLE) or landmarks (x, y, v
            of its own category's or of all 294).

    Raises:
        UserError: the file is missing, cut off or no such list, or an entry names an unknown image or category, lacks
            or repeats a field, or holds a number, length or mask size that cannot be; the message gives its index.
    """
    text = _map(path)
    blocks, count = [], 0
    try:
        for block in entries(text, stream.payload):
            image = _check(path, text, truth, stream, block, count)
            columns = (image, block.category_id - 1, block.score, block.start, block.stop, block.length)
            kinds = (np.int32, np.int8, np.float64, np.int64, np.int64, np.int16)
            blocks.append([column.astype(kind) for column, kind in zip(columns, kinds, strict=True)])
            count += len(image)
    except BrokenEntryError as broken:
        raise UserError(f"{path}: {explain(text, broken, stream.payload)}") from None
    empty = [np.empty(0, kind) for kind in (np.int32, np.int8, np.float64, np.int64, np.int64, np.int16)]
    return Results(path, text, *(np.concatenate(column) for column in zip(empty, *blocks, strict=True)))


def _check(path: Path, text: np.ndarray, truth: GroundTruth, stream: Stream, block: Entries, first: int) -> np.ndarray:
    """Refuse entries that cannot be; gives the index of each one's image."""

    def refuse(wrong: np.ndarray, complaint: str, *values: np.ndarray, rows: np.ndarray | None = None) -> None:
        if wrong.any():
            at = int(np.argmax(wrong))
            entry = first + (at if rows is None else rows[at])
            raise UserError(f"{path}: entry {entry} {complaint.format(*(value[at] for value in values))}")

    image, known = truth.find_images(block.image_id)
    refuse(~known, f"has image_id {{}}, which {truth.path} does not list; is it of another split?", block.image_id)
    known = (block.category_id >= 1) & (block.category_id <= NUM_CATEGORIES)
    refuse(~known, f"has category_id {{}}; 1 to {NUM_CATEGORIES} are expected", block.category_id)
    refuse(~np.isfinite(block.score), "has the score {}; a finite number is expected", block.score)
    if stream is MASKS:
        _check_masks(path, text, truth.sizes[image], block, first)
        return image
    refuse(block.length < 0, f"has {stream.payload} that are no list of numbers")
    if stream is BOXES:
        refuse(block.length != 4, "has a bbox of {} numbers; x, y, width and height are expected", block.length)
        rows = np.flatnonzero(block.suspicious)
        boxes = numbers(text, block.start[rows], 4)
        refuse(~np.isfinite(boxes).all(axis=1), "has bbox {}; finite numbers are expected", boxes, rows=rows)
        negative = boxes[:, 2:].min(axis=1, initial=0) < 0
        refuse(negative, "has bbox {}; width and height must not be negative", boxes, rows=rows)
    else:
        own = _LANDMARK_NUMBERS[block.category_id - 1]
        wrong = (block.length != own) & (block.length != 3 * NUM_LANDMARKS)
        wanted = f"{{}} (its category's) or {3 * NUM_LANDMARKS} are expected"
        refuse(wrong, f"has keypoints of {{}} numbers; {wanted}", block.length, own)
        infinite = np.zeros(len(image), bool)
        for length in np.unique(block.length):
            rows = np.flatnonzero((block.suspicious > 0) & (block.length == length))
            infinite[rows] = ~np.isfinite(numbers(text, block.start[rows], int(length))).all(axis=1)
        refuse(infinite, "has keypoints that are not all finite numbers")
    return image


def _check_masks(path: Path, text: np.ndarray, sizes: np.ndarray, block: Entries, first: int) -> None:
    sound = np.zeros(len(sizes), bool)

    def check(rows: slice) -> None:
        found = find_masks(text, block.start[rows])
        covered = Masks(text, found[:, 2], found[:, 3], escaped=True).pixels()
        sound[rows] = (found[:, :2] == sizes[rows]).all(axis=1) & (covered == sizes[rows].prod(axis=1))

    in_threads(check, slices(len(sizes), _LEAST_MASKS))
    for row in np.flatnonzero(~sound).tolist():
        wrong = _what_is_wrong(text[block.start[row] : block.stop[row]], *sizes[row].tolist())
        if wrong:
            raise UserError(f"{path}: entry {first + row} has {wrong}")


def _what_is_wrong(text: np.ndarray, height: int, width: int) -> str:
    """What is wrong with a mask, if anything is: the quick check knows JSON as it is usually written only."""
    try:
        rle = _rle(text, 0, len(text))
    except msgspec.DecodeError as error:
        return f"a segmentation that is no compressed RLE: {error}"
    if rle.size != (height, width):
        return f"a mask of size {list(rle.size)}; its image has {[height, width]} (height, width)"
    if (covered := int(Masks.join([rle.counts.encode()]).pixels()[0])) != height * width:
        found = "are no run lengths" if covered < 0 else f"cover {covered} pixels"
        return f"a mask whose counts {found}; its image of {height} x {width} has {height * width} pixels"
    return ""


def _rle(text: np.ndarray, start: int, stop: int) -> _Rle:
    return msgspec.json.decode(text[start:stop].data, type=_Rle)


def _map(path: Path) -> np.ndarray:
    """The file's bytes without a byte order mark and white space at the end, (bytes,) uint8."""
    try:
        text = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); a result file is expected") from None
    size = len(text)
    while size and text[size - 1] in _SPACE:
        size -= 1
    start = len(BOM_UTF8) if text[: len(BOM_UTF8)].tobytes() == BOM_UTF8 else 0
    if text[:2].tobytes() in (BOM_UTF16_LE, BOM_UTF16_BE):
        raise UserError(f"{path}: is text in UTF-16; save it in UTF-8")
    if size <= start:
        raise UserError(f"{path}: is empty; a JSON list of results is expected")
    return np.asarray(text[start:size])
