"""Features of regions, as columns and as a file, and what is retrieved with them."""

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
"""Queries, gallery, weights, rows wanted -> scores, gallery rows."""


@dataclass(frozen=True, eq=False)
class Features:
    """Regions of images with what they are retrieved by.

    Attributes:
        image_ids: (N,) int64.
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels of the picture as stored.
        categories: (N,) int64, 1..13.
        scores: (N,) float32; 1 for ground truth.
        vectors: (N, embedding) float32.
    """

    image_ids: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    scores: np.ndarray
    vectors: np.ndarray

    @classmethod
    def empty(cls, embedding: int) -> "Features":
        """No region."""
        boxes, vectors = np.zeros((0, 4), np.float32), np.zeros((0, embedding), np.float32)
        return cls(np.zeros(0, np.int64), boxes, np.zeros(0, np.int64), np.zeros(0, np.float32), vectors)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, rows: np.ndarray | slice) -> "Features":
        return Features(*(getattr(self, field.name)[rows] for field in fields(self)))

    def of_images(self, image_ids: np.ndarray) -> "Features":
        """The same regions under other image ids."""
        return replace(self, image_ids=image_ids)


def joined(parts: list[Features]) -> Features:
    """The regions of all parts, in their order; at least one part."""
    return Features(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Features)))


def write_features(path: Path, features: Features, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file with one tensor an attribute, and metadata in its head."""
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
        raise UserError(f"{path}: not a file of features ({error}); write it anew") from None


def retrieve(user: Features, shop: Features, weights: np.ndarray, ranker: Ranker = rank) -> Retrieved:
    """The 20 shop regions of highest score for every user region; see `retrieval_ranking`.

    Args:
        user: the queries.
        shop: the gallery.
        weights: (embedding,) of the trained similarity network.
        ranker: the exact one, or `retrieval_faiss.approximate_rank`.
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
