"""Exact ranking of a gallery by the match network's score, without the network.

The score of user feature u and shop feature s is sum_k w_k (u_k - s_k)^2 (`SimilarityNetwork.rank_weights`; w may be
negative). For a fixed u that is s.(w s) - 2 u.(w s) plus a constant: one matrix product ranks the gallery. It runs in
float32, keeps somewhat more candidates than asked for, and scores these again in float64 as the definition says. A
bound on float32 rounding then proves that no other gallery row belongs among the first; a query without that proof (a
crowd of near-equal rows) is scanned in float64. So the order is that of float64, and equal scores go by the lower row.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numba
import numpy as np
from threadpoolctl import threadpool_limits

QUERY_BLOCK = 512
GALLERY_BLOCK = 4096
SCORES_WIDTH = 1024
"""Columns of scores that exist at a time: with a block's lines they stay in a core's cache."""

SLACK = 12
_CHUNK = 64
_JIT = {"nogil": True, "cache": True}


def rank(queries: np.ndarray, gallery: np.ndarray, weights: np.ndarray, top: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return the gallery rows of highest score for each query, best first, equal scores by the lower row.

    Every core computes product and selection of its own blocks of queries: threads that share a product wait for each
    other at each of its ends, which took a third of the time.

    Memory in addition to the arguments: two copies of the queries, one block of the gallery and 2 MB of scores per
    core, whatever the gallery's size; queries and gallery may be memory-mapped.

    Args:
        queries: (Q, D) float32 features.
        gallery: (G, D) float32 features.
        weights: (D,) float32 of the score.
        top: rows wanted for each query; T is min(top, G).

    Returns:
        Scores without the constant, (Q, T) float64, descending; gallery rows, (Q, T) int64.

    Raises:
        ValueError: a feature is not finite.
    """
    top = min(top, len(gallery))
    weights64, centre = weights.astype(np.float64), _mean(gallery)
    keys = ((queries - centre) * (-2 * weights)).astype(np.float32)
    kept = np.full((len(queries), min(top + SLACK, len(gallery))), -np.inf, np.float32)
    rows = np.full(kept.shape, -1, np.int64)
    scores = np.empty((len(queries), top))
    order = np.empty((len(queries), top), np.int64)
    with _each_block(len(queries)) as each_block:
        longest = 0.0
        for start in range(0, len(gallery), GALLERY_BLOCK):
            block, bias, length = _centred(gallery[start : start + GALLERY_BLOCK], centre, weights64)
            longest = max(longest, length)
            each_block(partial(_collect_block, keys, block, bias, start, kept, rows))
        doubt = _rounding(queries, centre, longest, weights64)
        candidates = kept, rows, doubt
        settle = partial(_settle, queries, gallery, weights64, centre.astype(np.float64), *candidates, scores, order)
        each_block(lambda part: settle(part.start, part.stop))
    return scores, order


def _mean(gallery: np.ndarray) -> np.ndarray:
    """Mean feature of a sample, (D,) float32: a shift does not change differences, and small numbers round less."""
    if not len(gallery):
        return np.zeros(gallery.shape[1], np.float32)
    return gallery[:: max(1, len(gallery) // GALLERY_BLOCK)].mean(axis=0, dtype=np.float64).astype(np.float32)


@contextmanager
def _each_block(queries: int) -> Iterator[Callable[[Callable[[slice], None]], None]]:
    """A function that calls another with every block of queries, on all cores, each with a BLAS of one thread."""
    parts = [slice(first, min(first + QUERY_BLOCK, queries)) for first in range(0, queries, QUERY_BLOCK)]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(numba.get_num_threads()) as pool:

        def each(work: Callable[[slice], None]) -> None:
            for _ in pool.map(work, parts):  # which raises what the work raises
                pass

        yield each


def _centred(rows: np.ndarray, centre: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """A block of the gallery, (B, D) float32, its squares' part of the scores, (B,), and its greatest length."""
    block = rows - centre
    bias = np.empty(len(block), np.float32)
    length = float(np.sqrt(_squares(block, weights, bias)))
    if not np.isfinite(length):
        raise ValueError("a gallery feature is not finite")
    return block, bias, length


def _collect_block(
    keys: np.ndarray,
    block: np.ndarray,
    bias: np.ndarray,
    offset: int,
    kept: np.ndarray,
    rows: np.ndarray,
    part: slice,
) -> None:
    """Take the float32 candidates of some queries from a block of the gallery into `kept` and `rows`.

    Args:
        keys: (Q, D) float32; `part` of them is computed.
        block, bias, offset: (B, D) and (B,) float32 of `_centred`, and the block's first row in the gallery.
        kept, rows: (Q, T + SLACK) float32 scores and int64 gallery rows, descending.
    """
    lines = keys[part]
    for start in range(0, len(block), SCORES_WIDTH):
        some = block[start : start + SCORES_WIDTH]
        scores = _scores(len(lines), len(some))
        np.matmul(lines, some.T, out=scores)
        _collect(scores, bias[start : start + SCORES_WIDTH], offset + start, kept[part], rows[part])


_own = threading.local()


def _scores(lines: int, columns: int) -> np.ndarray:
    """This thread's memory for a product, (lines, columns) float32; a new one would cost as much as the selection."""
    if not hasattr(_own, "scores"):
        _own.scores = np.empty(QUERY_BLOCK * SCORES_WIDTH, np.float32)
    part: np.ndarray = _own.scores[: lines * columns].reshape(lines, columns)
    return part


def _rounding(queries: np.ndarray, centre: np.ndarray, longest: float, weights: np.ndarray) -> np.ndarray:
    """Bound of the error of every float32 score, (Q,) float64.

    A product of n terms errs by at most n u times the sum of their sizes (Higham, 2002, section 3.1); centring, squares
    and sums add a few more u. The machine epsilon used is 2 u, which leaves a factor of two.
    """
    lengths = np.sqrt(np.square(queries - centre, dtype=np.float64).sum(axis=1))
    if not np.isfinite(lengths).all():
        raise ValueError(f"query feature {int(np.flatnonzero(~np.isfinite(lengths))[0])} is not finite")
    epsilon = np.finfo(np.float32).eps * (len(weights) + 16)
    return epsilon * np.abs(weights).max(initial=0.0) * np.square(lengths + longest)


@numba.njit(fastmath={"reassoc", "contract"}, **_JIT)
def _squares(block: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> float:
    """Write each row's weighted sum of squares into `bias`; the greatest plain one, infinite if one is not finite."""
    greatest = 0.0
    for row in range(len(block)):
        weighted = plain = 0.0
        for k in range(len(weights)):
            square = np.float64(block[row, k]) * np.float64(block[row, k])
            weighted += weights[k] * square
            plain += square
        bias[row] = weighted
        greatest = max(greatest, plain if np.isfinite(plain) else np.inf)
    return greatest


@numba.njit(fastmath={"nnan", "nsz", "reassoc"}, **_JIT)
def _collect(scores: np.ndarray, bias: np.ndarray, offset: int, kept: np.ndarray, rows: np.ndarray) -> None:
    """Take each line's best into its list; a chunk without a candidate costs one vectorised maximum."""
    for q in range(len(scores)):
        best, where = kept[q], rows[q]
        for start in range(0, len(bias), _CHUNK):
            line, added = scores[q, start : start + _CHUNK], bias[start : start + _CHUNK]
            highest = np.float32(-np.inf)
            for g in range(len(line)):
                highest = max(highest, line[g] + added[g])
            if highest > best[-1] or where[-1] < 0:
                for g in range(len(line)):
                    if line[g] + added[g] > best[-1] or where[-1] < 0:
                        _insert(best, where, line[g] + added[g], offset + start + g)


@numba.njit(**_JIT)
def _insert(best: np.ndarray, where: np.ndarray, score: float, row: int) -> None:
    """Put a row into a list that is sorted by score, descending, then by row, and drop its last."""
    at = len(best) - 1
    while at > 0 and (where[at - 1] < 0 or score > best[at - 1] or (score == best[at - 1] and row < where[at - 1])):
        best[at], where[at] = best[at - 1], where[at - 1]
        at -= 1
    best[at], where[at] = score, row


@numba.njit(**_JIT)
def _score(query: np.ndarray, shop: np.ndarray, weights: np.ndarray) -> float:
    total = 0.0
    for k in range(len(weights)):
        difference = np.float64(query[k]) - np.float64(shop[k])
        total += weights[k] * difference * difference
    return total


@numba.njit(**_JIT)
def _constant(query: np.ndarray, weights: np.ndarray, centre: np.ndarray) -> float:
    """The constant that a float32 score leaves out: the query's own squares."""
    total = 0.0
    for k in range(len(weights)):
        total += weights[k] * (np.float64(query[k]) - centre[k]) ** 2
    return total


@numba.njit(**_JIT)
def _settle(
    queries: np.ndarray,
    gallery: np.ndarray,
    weights: np.ndarray,
    centre: np.ndarray,
    kept: np.ndarray,
    rows: np.ndarray,
    doubt: np.ndarray,
    scores: np.ndarray,
    order: np.ndarray,
    first: int,
    last: int,
) -> None:
    """Score the candidates in float64; scan the whole gallery for a query whose candidates are not proven complete.

    Args:
        queries, gallery, weights, centre: (Q, D), (G, D) float32, (D,), (D,) float64.
        kept, rows: candidates of `_collect_block`.
        doubt: bound of their scores' error, (Q,) float64.
        scores, order: (Q, T) float64 and int64 to write.
        first, last: queries to settle.
    """
    for q in range(first, last):
        scores[q], order[q] = -np.inf, -1
        for row in rows[q]:
            _offer(scores[q], order[q], _score(queries[q], gallery[row], weights), row)
        outside = np.float64(kept[q, -1]) + _constant(queries[q], weights, centre) + doubt[q]
        if len(rows[q]) < len(gallery) and scores[q, -1] <= outside:
            scores[q], order[q] = -np.inf, -1
            for row in range(len(gallery)):
                _offer(scores[q], order[q], _score(queries[q], gallery[row], weights), row)


@numba.njit(**_JIT)
def _offer(best: np.ndarray, where: np.ndarray, score: float, row: int) -> None:
    if where[-1] < 0 or score > best[-1] or (score == best[-1] and row < where[-1]):
        _insert(best, where, score, row)
