import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matchrcnn.modeling.match_network import SimilarityNetwork
from matchrcnn.retrieval import ranking as retrieval_ranking
from matchrcnn.retrieval.ranking import rank
from tests.support.examples import examples


def float64_ranking(queries: np.ndarray, gallery: np.ndarray, weights: np.ndarray, top: int) -> np.ndarray:
    """The definition, one query at a time."""
    rows = []
    for query in queries.astype(np.float64):
        scores = ((query - gallery.astype(np.float64)) ** 2 * weights.astype(np.float64)).sum(axis=1)
        rows.append(np.argsort(-scores, kind="stable")[:top])
    return np.array(rows, np.int64).reshape(len(queries), min(top, len(gallery)))


def features(rng: np.random.Generator, count: int, size: int, whole: bool) -> np.ndarray:
    values = rng.integers(-2, 3, (count, size)) if whole else rng.standard_normal((count, size))
    return values.astype(np.float32)


@examples(50, 150)
@given(
    seed=st.integers(0, 2**32 - 1),
    queries=st.integers(0, 20),
    gallery=st.integers(0, 200),
    size=st.integers(1, 16),
    top=st.integers(1, 25),
    whole=st.booleans(),
    offset=st.sampled_from([0, 1000]),
)
def test_ranking_is_that_of_float64_with_ties_by_the_lower_row(
    seed: int, queries: int, gallery: int, size: int, top: int, whole: bool, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    user, shop = (features(rng, n, size, whole) + np.float32(offset) for n in (queries, gallery))
    weights = features(rng, size, 1, whole)[:, 0]
    scores, rows = rank(user, shop, weights, top)
    assert np.array_equal(rows, float64_ranking(user, shop, weights, top))
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize(("query_block", "gallery_block"), [(7, 64), (3, 100), (64, 1000)])
def test_blocks_change_nothing(query_block: int, gallery_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    user, shop, weights = features(rng, 20, 8, True), features(rng, 500, 8, True), features(rng, 8, 1, False)[:, 0]
    whole = rank(user, shop, weights)
    monkeypatch.setattr(retrieval_ranking, "QUERY_BLOCK", query_block)
    monkeypatch.setattr(retrieval_ranking, "GALLERY_BLOCK", gallery_block)
    for ours, expected in zip(rank(user, shop, weights), whole, strict=True):
        assert np.array_equal(ours, expected)


def test_more_equals_than_candidates_still_go_by_the_lower_row() -> None:
    rng = np.random.default_rng(4)
    user, shop, weights = features(rng, 3, 8, False), np.repeat(features(rng, 2, 8, False), 300, axis=0), -np.ones(8)
    assert np.array_equal(rank(user, shop, weights)[1], float64_ranking(user, shop, weights, 20))


def test_ranking_is_that_of_the_naive_pairwise_network() -> None:
    torch.manual_seed(5)
    network, user, shop = SimilarityNetwork(), torch.randn(6, 256), torch.randn(400, 256)
    with torch.no_grad():
        logits = torch.stack([network.double()(u.expand_as(shop).double(), shop.double()) for u in user])
    difference = (logits[..., 0] - logits[..., 1]).numpy()
    scores, rows = rank(user.numpy(), shop.numpy(), network.rank_weights().numpy())
    assert np.array_equal(rows, np.argsort(-difference, axis=1, kind="stable")[:, :20])
    bias = float((network.fc.bias[0] - network.fc.bias[1]).detach())
    np.testing.assert_allclose(scores + bias, np.take_along_axis(difference, rows, axis=1), rtol=1e-5)


@pytest.mark.parametrize("side", ["query", "gallery"])
def test_features_of_a_diverged_network_are_refused(side: str) -> None:
    rng = np.random.default_rng(6)
    user, shop = features(rng, 4, 8, False), features(rng, 40, 8, False)
    (user if side == "query" else shop)[3, 2] = np.nan
    with pytest.raises(ValueError, match=f"{side} feature .*not finite"), np.errstate(invalid="ignore"):
        rank(user, shop, np.ones(8))
