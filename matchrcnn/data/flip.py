"""Landmarks of a mirrored image."""

import numpy as np

from matchrcnn.taxonomy import CATEGORIES


def flip_landmarks(landmarks: np.ndarray, classes: np.ndarray, width: float) -> np.ndarray:
    """Landmarks when their image is mirrored left to right: the pairs of each item's own category change places.

    A point at x comes to width - x, detectron2's convention for continuous coordinates: the edges 0 and width of the
    image change places, the pixel of column i becomes the one of column width - 1 - i.

    Args:
        landmarks: x, y in pixels and v of each category's own landmarks, zeros after them: (N, 39, 3).
        classes: 0..12, (N,).
        width: of the image, pixels.

    Returns:
        A new array of the same kind; unlabelled landmarks (v = 0) are 0, 0, 0.
    """
    flipped = np.zeros_like(landmarks)
    for row, label in enumerate(classes):
        order = CATEGORIES[label].flip
        flipped[row, : len(order)] = landmarks[row, order]
    labelled = flipped[..., 2] > 0
    flipped[..., 0] = width - flipped[..., 0]
    return flipped * labelled[..., None]
