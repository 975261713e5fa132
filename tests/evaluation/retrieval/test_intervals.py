"""Intervals of retrieval rest on a bootstrap that repeats images, and hold for few queries."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matchrcnn.config import BootstrapParams
from matchrcnn.errors import UserError
from matchrcnn.evaluation.intervals.bootstrap import draw_weights
from matchrcnn.evaluation.intervals.paired import read_resampled, resampled_bytes
from matchrcnn.evaluation.retrieval.intervals import compare_retrieval, resample_retrieval, retrieval_intervals
from matchrcnn.evaluation.retrieval.outcomes import NEVER, Outcomes, metrics


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


def all_numbers(nested: dict, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Path -> the share, the interval or the difference that stands there."""
    found = {}
    for key, value in nested.items():
        if isinstance(value, dict) and "interval" not in value:
            found |= all_numbers(value, (*prefix, key))
        elif key.startswith("top"):
            found[*prefix, key] = value
    return found


def slow_samples(found: Outcomes, images: np.ndarray, bootstrap: BootstrapParams) -> dict[tuple[str, ...], np.ndarray]:
    """What evaluating every resample gives: its images repeated as often as they were drawn."""
    names, place = np.unique(images, return_inverse=True)
    every = [
        all_numbers(metrics(repeated(found, np.repeat(np.arange(len(images)), drawn[place]))))
        for _, weights in draw_weights(len(names), bootstrap)
        for drawn in weights.T
    ]
    return {path: np.array([one[path] for one in every], float) for path in every[0]}


@pytest.mark.parametrize("seed", range(3))
def test_resamples_are_those_of_evaluating_every_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, images = outcomes(rng, 40), np.sort(rng.integers(0, 25, 40))
    bootstrap = BootstrapParams(resamples=30, seed=seed)
    resampled = resample_retrieval(found, images, bootstrap)
    slow = slow_samples(found, images, bootstrap)
    assert all_numbers(retrieval_intervals(resampled, 0.9)).keys() == slow.keys()
    for samples, values in zip(resampled.samples.T, slow.values(), strict=True):
        assert samples == pytest.approx(values, abs=1e-12, nan_ok=True)
    assert resampled.values.tolist() == pytest.approx(list(all_numbers(metrics(found)).values()))


@pytest.mark.parametrize("seed", range(3))
def test_differences_are_those_of_evaluating_both_runs_in_every_resample(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    first, images, bootstrap = outcomes(rng, 60), np.arange(60) // 2, BootstrapParams(resamples=40, seed=seed)
    second = replace(first, hits=np.arange(NEVER) == rng.choice([0, NEVER], 60, p=[0.9, 0.1])[:, None])
    streams = {name: resample_retrieval(run, images, bootstrap) for name, run in (("a/b", first), ("a/c", second))}
    (tmp_path / "resamples.npz").write_bytes(resampled_bytes(streams))
    kept = read_resampled(tmp_path / "resamples.npz")
    found = all_numbers(compare_retrieval(kept["a/b"], kept["a/c"], 0.9))
    one, other = (slow_samples(run, images, bootstrap) for run in (first, second))
    values = [all_numbers(metrics(run)) for run in (first, second)]
    for path, difference in found.items():
        assert difference["difference"] == pytest.approx(values[1][path] - values[0][path], abs=1e-12)
        spread = np.nanvar(other[path] - one[path], ddof=1)
        low, high = difference["interval"]
        assert high - low == pytest.approx(2 * 1.645 * spread**0.5, abs=0.1)
        assert difference["beyond_chance"] == (low > 0 or high < 0)
    assert found["overall", "top1"]["beyond_chance"]
    same = all_numbers(compare_retrieval(kept["a/b"], kept["a/b"]))
    assert not any(difference["beyond_chance"] for difference in same.values())


def test_other_queries_cannot_be_paired() -> None:
    found, bootstrap = outcomes(np.random.default_rng(0), 6), BootstrapParams(resamples=3)
    one, other = (resample_retrieval(found, images, bootstrap) for images in (np.arange(6), np.arange(6) // 2))
    with pytest.raises(UserError, match="evaluate both on the same annotations"):
        compare_retrieval(one, other)


def test_without_resamples_or_queries_there_are_none() -> None:
    found = outcomes(np.random.default_rng(0), 5)
    assert retrieval_intervals(resample_retrieval(found, np.arange(5), BootstrapParams(resamples=0)), 0.95) == {}
    nothing = outcomes(np.random.default_rng(0), 0)
    assert retrieval_intervals(resample_retrieval(nothing, np.arange(0), BootstrapParams(resamples=9)), 0.95) == {}
