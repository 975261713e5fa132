import builtins
import sys

import numpy as np
import pytest

from matchrcnn.errors import UserError
from matchrcnn.retrieval.approximate import approximate_rank, augmented
from matchrcnn.retrieval.ranking import rank


def world(gallery: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    shop = rng.standard_normal((gallery, 16)).astype(np.float32)
    user = shop[:50] + rng.normal(scale=0.1, size=(50, 16)).astype(np.float32)
    return user, shop, -rng.random(16).astype(np.float32)


def test_inner_products_rank_as_the_score_does() -> None:
    user, shop, weights = world()
    keys, entries = augmented(user, shop, weights)
    assert np.array_equal(np.argsort(-(keys @ entries.T), axis=1)[:, :5], rank(user, shop, weights, 5)[1])


def test_looking_into_every_cell_is_exact() -> None:
    user, shop, weights = world()
    for approximate, exact in zip(
        approximate_rank(user, shop, weights, cells=20, probes=20), rank(user, shop, weights), strict=True
    ):
        np.testing.assert_allclose(approximate, exact, rtol=1e-12)


def test_looking_into_some_cells_finds_most() -> None:
    user, shop, weights = world()
    rows = approximate_rank(user, shop, weights, cells=40, probes=10)[1]
    exact = rank(user, shop, weights)[1]
    assert np.mean([len(np.intersect1d(a, b)) / 20 for a, b in zip(rows, exact, strict=True)]) > 0.6
    assert (rows[:, 0] == np.arange(50)).mean() > 0.9


def test_without_faiss_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object) -> object:
        if name == "faiss":
            raise ImportError(name)
        return real(name, *args)  # type: ignore[arg-type]

    monkeypatch.delitem(sys.modules, "faiss", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="faiss is not installed"):
        approximate_rank(*world(100))
