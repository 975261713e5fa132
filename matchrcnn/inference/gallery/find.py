"""Find the garments of a gallery that are similar to those of a photo."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matchrcnn.errors import UserError
from matchrcnn.inference.gallery.index import Index, load_index
from matchrcnn.inference.network import Network, weights_digest
from matchrcnn.inference.photos.garment import Garment, Similar
from matchrcnn.retrieval.features import Features
from matchrcnn.retrieval.ranking import rank


class Gallery:
    """An index to search in.

    Attributes:
        index: the pictures and their garments.
        top: similar garments for each garment of the photo, each in another picture.
    """

    def __init__(self, index: Index, top: int, min_score: float) -> None:
        self.index, self.top = index, top
        self._garments = index.features[np.flatnonzero(index.features.scores >= min_score)]

    @classmethod
    def load(cls, folder: Path, model: Path, top: int = 10, min_score: float = 0.5) -> "Gallery":
        """Read an index.

        Args:
            folder: of the index.
            model: the trained retrieval run that it was built with.
            top: similar garments wanted for each garment of the photo.
            min_score: garments of the gallery with a lower score are left out, 0..1.

        Raises:
            UserError: the folder is no index, or the index is of another model.
        """
        index = load_index(folder)
        if weights_digest(model) != index.model:
            raise UserError(f"{model}: the index was built with another model; build one with this model")
        return cls(index, top, min_score)

    def similar(self, vectors: np.ndarray, network: Network) -> list[tuple[Similar, ...]]:
        """Return the most similar garments of the gallery, most similar first, one per picture.

        Args:
            vectors: embeddings of N garments, (N, D) float32.
            network: the run that computed them.

        Returns:
            N times at most `top` garments.
        """
        scores, rows = rank(vectors, self._garments.vectors, network.rank_weights, len(self._garments))
        return [self._best(*each) for each in zip(rows, network.same_piece(scores), strict=True)]

    def _best(self, rows: np.ndarray, similarity: np.ndarray) -> tuple[Similar, ...]:
        best = _first_of_each_picture(self._garments.image_ids[rows])[: self.top]
        return tuple(self._named(row, float(similarity[place])) for place, row in zip(best, rows[best], strict=True))

    def _named(self, row: int, similarity: float) -> Similar:
        file = self.index.images / self.index.files[self._garments.image_ids[row]]
        return Similar(file, _garment(self._garments, row), similarity)


def _first_of_each_picture(images: Sequence[int] | np.ndarray) -> np.ndarray:
    """Places of the first row of each picture, in order."""
    return np.sort(np.unique(images, return_index=True)[1])


def _garment(features: Features, row: int) -> Garment:
    x1, y1, x2, y2 = features.boxes[row].tolist()
    return Garment(int(features.categories[row]), float(features.scores[row]), (x1, y1, x2, y2))
