"""Intervals of retrieval are those of a slow bootstrap that repeats images and evaluates anew."""

import numpy as np
import pytest

from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.bootstrap import draw_weights
from matchrcnn.evaluation.retrieval import KS, NEVER, Outcomes, metrics
from matchrcnn.evaluation.retrieval_intervals import retrieval_intervals
from matchrcnn.taxonomy import SUBSETS


def outcomes(rng: np.random.Generator, queries: int) -> Outcomes:
    first = rng.choice([0, 3, 7, 12, 18, NEVER], queries)
    return Outcomes(
        items=np.arange(queries),
        standing=np.zeros(queries, np.int64),
        hits=np.arange(NEVER) == first[:, None],
        matches=rng.integers(1, 12, queries),
        columns=rng.integers(1, 1 << 12, queries).astype(np.uint16) | np.uint16(1 << 12),
        gallery_size=100,
    )


def repeated(found: Outcomes, rows: np.ndarray) -> Outcomes:
    parts = (getattr(found, name)[rows] for name in ("items", "standing", "hits", "matches", "columns"))
    return Outcomes(*parts, gallery_size=found.gallery_size)


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_evaluating_every_resample(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, images = outcomes(rng, 40), np.sort(rng.integers(0, 25, 40))
    bootstrap = BootstrapParams(resamples=30, level=0.9, seed=seed)
    names, place = np.unique(images, return_inverse=True)
    samples: dict[tuple[str, ...], list[float]] = {}
    for _, weights in draw_weights(len(names), bootstrap):
        for drawn in weights.T:
            again = metrics(repeated(found, np.repeat(np.arange(40), drawn[place])))
            for k in KS:
                samples.setdefault(("overall", f"top{k}"), []).append(again["overall"][f"top{k}"])
            for attribute, level in SUBSETS:
                if (value := again[attribute][level]["top20"]) is not None:
                    samples.setdefault((attribute, level, "top20"), []).append(value)
    limits = retrieval_intervals(found, images, bootstrap)
    for path, values in samples.items():
        ends = limits
        for key in path:
            ends = ends[key]
        assert ends == pytest.approx(np.quantile(values, [0.05, 0.95]).tolist(), abs=1e-12)


def test_without_resamples_there_are_none() -> None:
    found = outcomes(np.random.default_rng(0), 5)
    assert retrieval_intervals(found, np.arange(5), BootstrapParams(resamples=0)) == {}
