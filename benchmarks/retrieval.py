"""Ranking and evaluation of retrieval beside their peers, at the size of DeepFashion2's validation split, in one run.

    python -m benchmarks.retrieval                                   12,550 queries, 37,183 gallery items, 256 numbers
    python -m benchmarks.retrieval --queries 1000 --gallery 5000     a quick look

Ranking, best 20 for every query: `rank` beside the naive pairwise network (subtract, square, fc, softmax, 20 largest;
on some queries against the whole gallery, scaled to all), and faiss' exact IndexFlatIP on augmented vectors, which
gives float32 order. All take the same random features, in clusters as identities make them, with weights of both
signs. The share of sgemm is the product's floating-point operations per second of the whole ranking, over the best of
several plain matrix products in the same run. The first 20 are compared with a float64 ranking on some queries.

Approximate ranking: the share of the exact first 20 that faiss' cells give, for several numbers of cells looked into.

Evaluation: 12,377 queries and 36,961 gallery items, 20 results each, `evaluate_retrieval` beside the rule written as
the official script does it, with a search through all items for every query and pycocotools' IoU for every result; on
some images, scaled to all, outcomes compared.

Each time is the best of the repeats, the ways in turn.
"""

import argparse
import time
from collections.abc import Callable

import faiss
import numpy as np
import pycocotools.mask
import torch
from tabulate import tabulate
from torch.nn import functional

from matchrcnn.evaluation.retrieval.outcomes import NEVER, evaluate_retrieval
from matchrcnn.retrieval.approximate import approximate_rank, augmented
from matchrcnn.retrieval.files import TOP, GalleryItems, QueryItems, Retrieved
from matchrcnn.retrieval.ranking import rank

DIMENSIONS = 256
CHECKED = 64
"""Queries whose order is compared with float64."""


def main() -> None:
    """Measure and print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=12_550)
    parser.add_argument("--gallery", type=int, default=37_183)
    parser.add_argument("--naive-queries", type=int, default=12, help="queries of the naive ways, scaled to all")
    parser.add_argument("--images", type=int, default=12_377, help="queries of the evaluation")
    parser.add_argument("--items", type=int, default=36_961, help="gallery items of the evaluation")
    parser.add_argument("--slow-images", type=int, default=300, help="queries of the slow rule, scaled to all")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    user, shop, weights = features(arguments.queries, arguments.gallery)
    tables = [
        ranking_table(user, shop, weights, arguments.naive_queries, arguments.repeats),
        approximation_table(user, shop, weights, arguments.repeats),
        evaluation_table(arguments.images, arguments.items, arguments.slow_images, arguments.repeats),
    ]
    print("\n\n".join(tables))


def features(queries: int, gallery: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User and shop features around common centres, about three shop items each, and weights, mostly negative."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, gallery // 3), DIMENSIONS), np.float32)
    user, shop = (
        centres[rng.integers(len(centres), size=count)] + rng.standard_normal((count, DIMENSIONS), np.float32)
        for count in (queries, gallery)
    )
    return user, shop, (rng.standard_normal(DIMENSIONS) * 0.05 - 0.05).astype(np.float32)


def ranking_table(user: np.ndarray, shop: np.ndarray, weights: np.ndarray, few: int, repeats: int) -> str:
    """Exact ranking by three ways, and the check against float64."""
    rank(user[:2], shop[:100], weights)  # compiles
    found: dict[str, np.ndarray] = {}

    def ours() -> None:
        found["rank"] = rank(user, shop, weights)[1]

    def flat() -> None:
        keys, entries = augmented(user, shop, weights)
        index = faiss.IndexFlatIP(entries.shape[1])
        index.add(entries)
        found["faiss"] = index.search(keys, TOP)[1]

    def naive() -> None:
        found["naive"] = naive_ranking(user[:few], shop, weights)

    product = 4096
    left = user[np.arange(product) % len(user)]
    right = shop[np.arange(2 * product) % len(shop)].T
    out = np.empty((product, 2 * product), np.float32)
    seconds = best_of(repeats, ours, flat, naive, lambda: np.matmul(left, right, out=out))
    mine, flat_time, naive_time, sgemm_time = seconds
    naive_time *= len(user) / few
    peak = left.shape[0] * right.shape[1] / sgemm_time
    share = len(user) * len(shop) / mine / peak
    exact = float64_ranking(user, shop, weights)
    rows = [
        ("`rank`", mine, 1.0, same(found["rank"][: len(exact)], exact), f"{share:.0%}"),
        ("faiss IndexFlatIP", flat_time, flat_time / mine, same(found["faiss"][: len(exact)], exact), ""),
        (f"naive network ({few} queries, scaled)", naive_time, naive_time / mine, same(found["naive"], exact), ""),
    ]
    head = ["ranking", "seconds", "times `rank`", "same 20 as float64", "of sgemm"]
    title = f"{len(user):,} queries x {len(shop):,} gallery items x {user.shape[1]}\n\n"
    return title + tabulate(rows, head, tablefmt="github", floatfmt=".3g")


def naive_ranking(user: np.ndarray, shop: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The network on every pair, float32: its probability of "similar", and the 20 largest."""
    fc = torch.zeros(2, len(weights))
    fc[0], gallery = torch.from_numpy(weights), torch.from_numpy(shop)
    rows = []
    for query in torch.from_numpy(user):
        probability = functional.softmax(functional.linear((query - gallery).square(), fc), dim=1)[:, 0]
        rows.append(torch.topk(probability, min(TOP, len(shop))).indices)
    return torch.stack(rows).numpy()


def float64_ranking(user: np.ndarray, shop: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The definition in float64 for the first CHECKED queries."""
    rows = []
    for query in user[:CHECKED].astype(np.float64):
        scores = np.square(query - shop) @ weights.astype(np.float64)
        rows.append(np.argsort(-scores, kind="stable")[:TOP])
    return np.array(rows)


def same(rows: np.ndarray, exact: np.ndarray) -> str:
    """In how many queries the order is the exact one."""
    count = min(len(rows), len(exact))
    return f"{int((rows[:count] == exact[:count]).all(axis=1).sum())} of {count}"


def approximation_table(user: np.ndarray, shop: np.ndarray, weights: np.ndarray, repeats: int) -> str:
    """Recall and speed of faiss' cells beside the exact ranking."""
    exact = rank(user, shop, weights)[1]
    mine = best_of(repeats, lambda: rank(user, shop, weights))[0]
    rows = []
    for probes in (8, 32, 128):
        start = time.perf_counter()
        found = approximate_rank(user, shop, weights, probes=probes)[1]
        taken = time.perf_counter() - start
        recall = np.mean([len(np.intersect1d(a, b)) / TOP for a, b in zip(found, exact, strict=True)])
        rows.append((probes, recall, taken / mine))
    head = ["faiss cells looked into", "recall of the exact 20", "time over `rank`, index built"]
    return tabulate(rows, head, tablefmt="github", floatfmt=".3g")


def evaluation_table(queries: int, items: int, few: int, repeats: int) -> str:
    """The evaluation beside the slow rule on some images."""
    truth, gallery, results = world(queries, items)
    outcomes = evaluate_retrieval(truth, gallery, results)
    ours, slow = best_of(
        repeats, lambda: evaluate_retrieval(truth, gallery, results), lambda: slow_rule(truth, gallery, results, few)
    )
    agreed = outcomes.first_hit[:few].tolist() == slow_rule(truth, gallery, results, few)
    slow *= queries / few
    rows = [
        ("`evaluate_retrieval`", ours, 1.0, ""),
        (f"rule as written ({few} queries, scaled)", slow, slow / ours, "yes" if agreed else "NO"),
    ]
    title = f"{queries:,} queries x {items:,} gallery items, {TOP} results each\n\n"
    return title + tabulate(
        rows, ["evaluation", "seconds", "times", "same outcomes"], tablefmt="github", floatfmt=".3g"
    )


def world(queries: int, items: int) -> tuple[QueryItems, GalleryItems, Retrieved]:
    """One query an image, two detections each, three results in ten from images of the query's identity."""
    rng = np.random.default_rng(1)
    identities = max(1, items // 3)
    own = rng.integers(identities, size=queries)
    shops = GalleryItems(
        image_ids=1_000_000 + np.arange(items) * 3 // 5,
        boxes=boxes(rng, items),
        pair_ids=np.arange(items) % identities,
        styles=np.ones(items, np.int64),
    )
    truth = QueryItems(
        image_ids=np.arange(queries),
        boxes=boxes(rng, queries),
        categories=rng.integers(1, 14, queries),
        pair_ids=own,
        styles=np.ones(queries, np.int64),
        columns=np.full(queries, 1 << 12, np.uint16),
    )
    image = np.repeat(np.arange(queries), 2)
    picked = rng.integers(items, size=(len(image), TOP))
    related = own[image][:, None] + identities * rng.integers(max(1, items // identities), size=picked.shape)
    picked = np.where(rng.random(picked.shape) < 0.3, related, picked)
    jitter = rng.normal(scale=20, size=(*picked.shape, 4))
    detections = truth.boxes[image] + rng.normal(scale=10, size=(len(image), 4))
    results = Retrieved(
        image_ids=truth.image_ids[image],
        boxes=detections,
        categories=np.where(rng.random(len(image)) < 0.8, truth.categories[image], 1),
        scores=rng.random(len(image)),
        counts=np.full(len(image), TOP),
        gallery_image_ids=shops.image_ids[picked],
        gallery_boxes=shops.boxes[picked] + jitter,
    )
    return truth, shops, results


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes of 50 to 350 pixels in pictures of 600."""
    corner, size = rng.random((count, 2)) * 250, 50 + rng.random((count, 2)) * 300
    return np.concatenate([corner, corner + size], axis=1)


def slow_rule(truth: QueryItems, gallery: GalleryItems, results: Retrieved, few: int) -> list[int]:
    """First hits of the first queries, each found by a search through all items and all results."""
    hits = []
    for query in range(few):
        inside = np.where(truth.image_ids == truth.image_ids[query])[0]
        rows = np.where(results.image_ids == truth.image_ids[query])[0]
        assigned = inside[iou(results.boxes[rows], truth.boxes[inside]).argmax(axis=1)]
        rows = rows[(assigned == query) & (results.categories[rows] == truth.categories[query])]
        hits.append(
            NEVER if len(rows) == 0 else slow_hit(query, rows[results.scores[rows].argmax()], truth, gallery, results)
        )
    return hits


def slow_hit(query: int, row: int, truth: QueryItems, gallery: GalleryItems, results: Retrieved) -> int:
    """Rank of the first hit, result by result."""
    pair = np.where(gallery.pair_ids == truth.pair_ids[query])[0]
    own = np.intersect1d(pair, np.where(gallery.styles == truth.styles[query])[0])
    for place in range(results.counts[row]):
        items = own[gallery.image_ids[own] == results.gallery_image_ids[row, place]]
        if len(items) and (iou(results.gallery_boxes[row, place : place + 1], gallery.boxes[items]) >= 0.5).any():
            return place
    return NEVER


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """pycocotools' IoU of x1, y1, x2, y2 boxes, (n, m)."""
    a, b = (np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], axis=1) for x in (a, b))
    return pycocotools.mask.iou(a, b, np.zeros(len(b)))


def best_of(repeats: int, *ways: Callable[[], object]) -> list[float]:
    """Best seconds of each way, taken in turn."""
    times = [[] for _ in ways]  # type: list[list[float]]
    for _ in range(repeats):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


if __name__ == "__main__":
    main()
