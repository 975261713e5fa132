"""Approximate ranking with faiss, for galleries where the exact one takes too long; never used unless asked for.

The score is an inner product: of (-2 w u, 1) and (s, sum_k w_k s_k^2). faiss sorts the gallery into cells and looks
into the nearest ones; what it finds is scored and ordered as `ranking.rank` does. benchmarks/retrieval.py
measures how much of the exact answer it finds.
"""

import numpy as np

from matchrcnn.errors import UserError

CANDIDATES = 2
"""Candidates that are scored exactly, as a multiple of the rows wanted."""


def augmented(queries: np.ndarray, gallery: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors whose inner product ranks as the score does: (Q, D + 1) and (G, D + 1) float32.

    Args:
        queries: (Q, D) float32.
        gallery: (G, D) float32.
        weights: (D,) float32 of the score.
    """
    ones = np.ones((len(queries), 1), np.float32)
    squares = (np.square(gallery, dtype=np.float64) @ weights).astype(np.float32)[:, None]
    keys = (queries * (-2 * weights)).astype(np.float32)
    return np.concatenate([keys, ones], axis=1), np.concatenate([gallery, squares], axis=1, dtype=np.float32)


def approximate_rank(
    queries: np.ndarray,
    gallery: np.ndarray,
    weights: np.ndarray,
    top: int = 20,
    cells: int | None = None,
    probes: int = 32,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and gallery rows as `ranking.rank` does, from the cells that were searched.

    Args:
        queries, gallery, weights, top: as there; T is `top`, at most G.
        cells: 4 sqrt(G) by default.
        probes: cells searched for a query; more find more and take longer.

    Returns:
        (Q, T) float64 and (Q, T) int64; -inf and -1 where the cells held fewer rows.

    Raises:
        UserError: faiss is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise UserError("faiss is not installed; `pip install faiss-cpu`, or rank exactly") from None
    keys, entries = augmented(queries, gallery, weights)
    cells = min(len(gallery), cells or max(1, round(4 * len(gallery) ** 0.5)))
    coarse = faiss.IndexFlatIP(entries.shape[1])
    index = faiss.IndexIVFFlat(coarse, entries.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    index.train(entries)
    index.add(entries)
    index.nprobe = min(probes, cells)
    _, found = index.search(keys, min(CANDIDATES * top, len(gallery)))
    return _ordered(queries, gallery, weights.astype(np.float64), found, min(top, len(gallery)))


def _ordered(
    queries: np.ndarray, gallery: np.ndarray, weights: np.ndarray, found: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (Q, T) and rows (Q, T) of the best among the candidates `found`, (Q, C) int64, -1 where there is none."""
    scores, rows = np.empty((len(queries), top)), np.empty((len(queries), top), np.int64)
    for query, candidates in enumerate(found):
        difference = queries[query].astype(np.float64) - gallery[candidates].astype(np.float64)
        score = np.where(candidates < 0, -np.inf, np.square(difference) @ weights)
        best = np.lexsort((candidates, -score))[:top]
        scores[query], rows[query] = score[best], candidates[best]
    return scores, rows
