"""Whether two runs differ by more than chance: paired bootstrap over the same resamples of the images."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from matchrcnn.errors import UserError
from matchrcnn.evaluation.coco.metrics import MEASURES, cell_measures, nested
from matchrcnn.evaluation.intervals.spread import margins, spread

_LEAST = 2  # resamples that tell how much they vary


@dataclass(frozen=True, eq=False)
class Resampled:
    """The numbers of a score, and what they would have been on other draws of the images.

    Attributes:
        values: measures of all cells, (26, 5) float64, in the order of `metrics.CELLS` and `metrics.MEASURES`; of
            retrieval its shares, (C,) float64, see `retrieval.intervals`.
        samples: the same of every resample, (B, 26, 5) or (B, C) float64.
        protocol: identifies the resamples: two with the same text were drawn alike.
        items: of each category in each column, (K, S) int64; of retrieval the queries of each share and the images
            that they are in, (C, 2) int64.
        categories: measures of each category in each column in every resample, (5, K, S, B) float32, -1 where there
            is no item; of retrieval nothing, (0,).
    """

    values: np.ndarray
    samples: np.ndarray
    protocol: str
    items: np.ndarray
    categories: np.ndarray


def compare(first: Resampled, second: Resampled, level: float = 0.95) -> dict[str, Any]:
    """Tell how much the second differs from the first in every cell, in the nesting of metrics.json.

    Returns:
        Leaves {AP: {difference, interval: [low, high], beyond_chance}, ...}: beyond chance when the interval of the
        paired differences does not hold 0; None where one of them has no value, or fewer than two resamples have one.

    Raises:
        UserError: they were not resampled alike.
    """
    difference, low, high = paired(first, second, level)

    def leaf(cell: int) -> dict[str, Any] | None:
        if np.isnan(low[cell, 0]):
            return None
        rows = zip(MEASURES, difference[cell].tolist(), low[cell].tolist(), high[cell].tolist(), strict=True)
        leaves = {name: verdict(*numbers) for name, *numbers in rows}
        return {name: leaves[name] for name in cell_measures(cell)}

    return nested(leaf)


def paired(first: Resampled, second: Resampled, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return second less first, and the ends of the interval of that difference over resamples of the same images.

    All three have the shape of `Resampled.values`.

    Raises:
        UserError: they were not resampled alike.
    """
    check_alike(first, second)
    difference = second.values - first.values
    absent = (first.categories < 0) | (second.categories < 0)
    categories = np.where(absent, np.nan, second.categories - first.categories)
    margin = margins(spread(second.samples - first.samples, categories, first.items), level)
    return difference, difference - margin, difference + margin


def check_alike(first: Resampled, second: Resampled) -> None:
    """Check that two runs were resampled alike.

    Raises:
        UserError: they were not, or there are fewer than two resamples.
    """
    if first.protocol != second.protocol or len(first.samples) < _LEAST:
        raise UserError(
            f"these runs cannot be compared pairwise: {first.protocol} and {second.protocol}; "
            "evaluate both on the same annotations with the same subset rule, seed and number of resamples (2 or more)"
        )


def verdict(difference: float, low: float, high: float) -> dict[str, Any]:
    """Return a difference, its interval, and whether chance alone could not explain it: the interval excludes 0."""
    return {"difference": difference, "interval": [low, high], "beyond_chance": not low <= 0 <= high}


def resampled_bytes(scores: Mapping[str, Resampled]) -> bytes:
    """Return resamples by the keys of their scores as one .npz, for later comparisons."""
    arrays = {
        f"{key}/{field.name}": np.asarray(getattr(score, field.name))
        for key, score in scores.items()
        for field in fields(Resampled)
    }
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def read_resampled(path: Path) -> dict[str, Resampled]:
    """Read a file of `resampled_bytes`: key of a score -> its resamples.

    Raises:
        UserError: the file is missing or no such file.
    """
    try:
        with np.load(path) as arrays:
            names = dict.fromkeys(key.rpartition("/")[0] for key in arrays.files)
            return {
                name: Resampled(
                    arrays[f"{name}/values"],
                    arrays[f"{name}/samples"],
                    str(arrays[f"{name}/protocol"]),
                    arrays[f"{name}/items"],
                    arrays[f"{name}/categories"],
                )
                for name in names
            }
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: no resamples of an evaluation ({error}); evaluate the run again") from None
