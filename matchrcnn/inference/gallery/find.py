"""What in a gallery is similar to garments of a photo."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from matchrcnn.errors import UserError
from matchrcnn.inference.embedding import rank_weights
from matchrcnn.inference.gallery.index import Index, load_index, weights_digest
from matchrcnn.inference.photos.garment import Garment, Similar
from matchrcnn.modeling.match_rcnn import MatchRCNN
from matchrcnn.retrieval.features import Features
from matchrcnn.retrieval.ranking import rank


class Gallery:
    """An index that can be asked.

    Attributes:
        index: the pictures and their garments.
        top: garments named for each garment asked for, each in another picture.
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
            top: garments wanted for each garment asked for.
            min_score: garments of the gallery that the detector was less sure of are left out.

        Raises:
            UserError: the folder is no index, or the index is of another model.
        """
        index = load_index(folder)
        if weights_digest(model) != index.model:
            raise UserError(f"{model}: the index was built with another model; build one with this model")
        return cls(index, top, min_score)

    def similar(self, vectors: np.ndarray, network: MatchRCNN) -> list[tuple[Similar, ...]]:
        """The most similar garments of the gallery, most similar first, one a picture.

        Args:
            vectors: (N, embedding) float32, of the garments asked for.
            network: the model that embedded them.

        Returns:
            N times at most `top` garments.
        """
        scores, rows = rank(vectors, self._garments.vectors, rank_weights(network), len(self._garments))
        similarity = torch.sigmoid(torch.from_numpy(scores) + network.match_network.similarity.rank_bias()).numpy()
        return [self._best(*each) for each in zip(rows, similarity, strict=True)]

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
