"""The garments of a photo, and the most similar ones of an index."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from matchrcnn.config import HardwareParams
from matchrcnn.data.mapper import Mapper, read_image
from matchrcnn.engine.embedding import embed_batches, load_retrieval_model, rank_weights
from matchrcnn.errors import UserError
from matchrcnn.evaluation.retrieval_features import Features
from matchrcnn.evaluation.retrieval_ranking import rank
from matchrcnn.modeling.build import pick_device
from matchrcnn.search.index import Index, weights_digest
from matchrcnn.taxonomy import category

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Garment:
    """A garment in a picture.

    Attributes:
        file: the picture.
        box: x1, y1, x2, y2 in pixels of the picture as stored.
        score: the detector's, 0..1.
    """

    file: Path
    box: Box
    category_id: int
    score: float


@dataclass(frozen=True)
class Match:
    """A garment of the gallery; `similarity` is the network's probability that it is the same piece, 0..1."""

    garment: Garment
    similarity: float


@dataclass(frozen=True)
class Answer:
    """A garment of the photo and what was found for it, most similar first, one a picture."""

    garment: Garment
    matches: tuple[Match, ...]


def search(
    photo: Path, index: Index, model: Path, hardware: HardwareParams, top: int = 10, min_score: float = 0.5
) -> list[Answer]:
    """Detect the garments of a photo and rank the gallery for each.

    Args:
        photo: a picture.
        index: the gallery.
        model: the trained retrieval run that the index was built with.
        hardware: device.
        top: matches wanted of each garment, each in another picture.
        min_score: garments of photo and gallery that the detector is less sure of are left out.

    Returns:
        One answer a garment, by descending score; none where the detector found none.

    Raises:
        UserError: the photo cannot be read, or the index is of another model.
    """
    if weights_digest(model) != index.model:
        raise UserError(f"{model}: the index was built with another model; build one with this model")
    network, run = load_retrieval_model(model, pick_device(hardware.device))
    height, width = read_image(str(photo), run.model.pixel_format).shape[:2]
    entry = {"file_name": str(photo), "image_id": 0, "height": height, "width": width}
    mapped = Mapper(run.model, flip=False, masks=False, landmarks=False)(entry)
    asked = _sure(next(embed_batches(network, [[mapped]])).detected_box, min_score)
    gallery = _sure(index.features, min_score)
    scores, rows = rank(asked.vectors, gallery.vectors, rank_weights(network), len(gallery))
    similarity = torch.sigmoid(torch.from_numpy(scores) + network.match_network.similarity.rank_bias()).numpy()
    found = []
    for query in range(len(asked)):
        best = _first_of_each_picture(gallery.image_ids[rows[query]])[:top]
        places = rows[query, best]
        files = [index.images / index.files[image] for image in gallery.image_ids[places]]
        garments = [_garment(gallery, place, file) for place, file in zip(places, files, strict=True)]
        matches = [Match(garment, float(similarity[query, at])) for garment, at in zip(garments, best, strict=True)]
        found.append(Answer(_garment(asked, query, photo), tuple(matches)))
    return found


def as_json(photo: Path, answers: list[Answer], images: Path) -> dict[str, Any]:
    """Answers as a JSON value; files of the gallery are named below its folder."""
    garments = [
        {
            **_described(answer.garment),
            "matches": [
                {
                    "file": match.garment.file.relative_to(images).as_posix(),
                    **_described(match.garment),
                    "similarity": match.similarity,
                }
                for match in answer.matches
            ],
        }
        for answer in answers
    ]
    return {"photo": photo.name, "garments": garments}


def _described(garment: Garment) -> dict[str, Any]:
    name = category(garment.category_id).name
    return {"category": name, "category_id": garment.category_id, "bbox": garment.box, "score": garment.score}


def _sure(features: Features, min_score: float) -> Features:
    return features[np.flatnonzero(features.scores >= min_score)]


def _first_of_each_picture(images: np.ndarray) -> np.ndarray:
    """Places of the first row of each picture, in order."""
    return np.sort(np.unique(images, return_index=True)[1])


def _garment(features: Features, row: int, file: Path) -> Garment:
    x1, y1, x2, y2 = features.boxes[row].tolist()
    return Garment(file, (x1, y1, x2, y2), int(features.categories[row]), float(features.scores[row]))
