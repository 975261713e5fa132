"""Result files in the official formats, as columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matchrcnn.evaluation.ground_truth import GroundTruth
from matchrcnn.files import read_json


@dataclass(frozen=True, eq=False)
class Results:
    """Detections in the order of their file: image index, category 0..12 and score of each."""

    path: Path
    image: np.ndarray
    category: np.ndarray
    score: np.ndarray
    entries: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.score)

    def boxes(self, chosen: np.ndarray) -> np.ndarray:
        """Boxes of some detections, xywh, (n, 4) float64."""
        return np.array([self.entries[index]["bbox"] for index in chosen], np.float64).reshape(-1, 4)

    def masks(self, chosen: np.ndarray) -> list[dict]:
        """Masks of some detections as compressed RLE."""
        return [self.entries[index]["segmentation"] for index in chosen]


def read_results(path: Path, truth: GroundTruth) -> Results:
    """Read a result file."""
    entries = read_json(path)
    return Results(
        path=path,
        image=np.searchsorted(truth.image_ids, np.array([entry["image_id"] for entry in entries], np.int64)),
        category=np.array([entry["category_id"] - 1 for entry in entries], np.int64),
        score=np.array([entry["score"] for entry in entries], np.float64),
        entries=entries,
    )
