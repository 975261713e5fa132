"""Features of regions, as columns and as a file, and retrieval with them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write
from matchrcnn.retrieval.files import TOP, Retrieved
from matchrcnn.retrieval.ranking import rank

Ranker = Callable[[np.ndarray, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""(Q, D) queries, (G, D) gallery, (D,) weights, T -> (Q, T) scores, (Q, T) gallery rows; see `ranking.rank`."""


@dataclass(frozen=True, eq=False)
class Features:
    """Regions of images with their features.

    Attributes:
        image_ids: (N,) int64.
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels of the picture as stored.
        categories: (N,) int64, 1..13.
        scores: (N,) float32; 1 for ground truth.
        vectors: (N, D) float32.
    """

    image_ids: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    scores: np.ndarray
    vectors: np.ndarray

    @classmethod
    def empty(cls, embedding: int) -> "Features":
        """Return no region, with vectors of shape (0, embedding)."""
        boxes, vectors = np.zeros((0, 4), np.float32), np.zeros((0, embedding), np.float32)
        return cls(np.zeros(0, np.int64), boxes, np.zeros(0, np.int64), np.zeros(0, np.float32), vectors)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, rows: np.ndarray | slice) -> "Features":
        return Features(*(getattr(self, field.name)[rows] for field in fields(self)))

    def of_images(self, image_ids: np.ndarray) -> "Features":
        """Return the same regions under other image ids, (N,) int64."""
        return replace(self, image_ids=image_ids)


def joined(parts: list[Features]) -> Features:
    """Return the regions of all parts, in their order; at least one part."""
    return Features(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Features)))


def write_features(path: Path, features: Features, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file with one tensor for each attribute, and metadata in its head."""
    tensors = {field.name: np.ascontiguousarray(getattr(features, field.name)) for field in fields(features)}
    with atomic_write(path) as file:
        file.write(save(tensors, metadata))


def read_features(path: Path) -> Features:
    """Read a file of `write_features`.

    Raises:
        UserError: it is missing or not such a file.
    """
    try:
        tensors = load_file(path)
        return Features(**{field.name: tensors[field.name] for field in fields(Features)})
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{path}: not a file of features ({error}); write it again") from None


def retrieve(user: Features, shop: Features, weights: np.ndarray, ranker: Ranker = rank) -> Retrieved:
    """Return the 20 shop regions of highest score for every user region; see `ranking`.

    Args:
        user: Q queries.
        shop: G gallery rows.
        weights: (D,) float32, of the trained similarity network.
        ranker: the exact one, or `approximate.approximate_rank`.
    """
    _, rows = ranker(user.vectors, shop.vectors, weights, TOP)
    found = rows.shape[1]
    images, boxes = np.zeros((len(user), TOP), np.int64), np.zeros((len(user), TOP, 4))
    images[:, :found], boxes[:, :found] = shop.image_ids[rows], shop.boxes[rows]
    return Retrieved(
        image_ids=user.image_ids,
        boxes=user.boxes.astype(np.float64),
        categories=user.categories,
        scores=user.scores.astype(np.float64),
        counts=np.full(len(user), found, np.int64),
        gallery_image_ids=images,
        gallery_boxes=boxes,
    )
