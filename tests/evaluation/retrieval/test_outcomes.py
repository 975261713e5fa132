from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pycocotools.mask
import pytest

from matchrcnn.evaluation.retrieval.outcomes import NEVER, Outcomes, box_iou, evaluate_retrieval, metrics
from matchrcnn.retrieval.files import read_gallery, read_queries, read_retrieved
from matchrcnn.taxonomy import ATTRIBUTES
from tests.support.retrieval_cases import case, joined
from tests.support.retrieval_oracle import follow, slow_metrics, xywh

Entries = list[dict[str, Any]]


def evaluate(folder: Path, queries: Entries, gallery: Entries, results: Entries) -> Outcomes:
    for name, entries in (("query", queries), ("gallery", gallery), ("results", results)):
        (folder / name).write_bytes(orjson.dumps(entries))
    return evaluate_retrieval(
        read_queries(folder / "query"), read_gallery(folder / "gallery"), read_retrieved(folder / "results")
    )


def test_every_query_goes_as_in_a_slow_writing_of_the_official_rule(tmp_path: Path) -> None:
    cases = [case(seed, first=10 * seed) for seed in range(3000)]
    outcomes = evaluate(tmp_path, *joined(cases))
    rows = np.cumsum([0] + [len(each.results) for each in cases])
    stands, hits = [], []
    for row, each in zip(rows, cases, strict=False):
        for outcome in follow(*each):
            stands.append(-1 if outcome["stands"] is None else row + outcome["stands"])
            hits.append(NEVER if outcome["hit"] is None else outcome["hit"])
    assert outcomes.standing.tolist() == stands
    assert outcomes.first_hit.tolist() == hits
    assert stands.count(-1) > 1000
    assert min(hits.count(rank) for rank in (0, 1, 5, 19, NEVER)) > 5


def test_accuracy_is_that_of_the_slow_writing(tmp_path: Path) -> None:
    for seed in range(50):
        entries = case(seed, user_images=8, shop_images=8)
        ours = metrics(evaluate(tmp_path, *entries))["overall"]
        for name, value in slow_metrics(*entries).items():
            assert ours[name] == pytest.approx(value, abs=1e-15), (seed, name)


def test_subsets_count_queries_with_more_than_five_gallery_items_of_their_identity(tmp_path: Path) -> None:
    entries = case(3, user_images=30, shop_images=18)
    queries, gallery, _ = entries
    for entry in queries + gallery:
        entry["pair_id"] %= 4
    ours = metrics(evaluate(tmp_path, *entries))
    hits = [each["hit"] is not None for each in follow(*entries)]
    asked = [query for query in queries if query["style"] > 0]
    for attribute, names in ATTRIBUTES.items():
        for level, name in enumerate(names, 1):
            inside = [
                hit
                for query, hit in zip(asked, hits, strict=True)
                if query[attribute] == level
                and sum((i["pair_id"], i["style"]) == (query["pair_id"], query["style"]) for i in gallery) > 5
            ]
            assert ours[attribute][name]["queries"] == len(inside)
            assert ours[attribute][name]["top20"] == (pytest.approx(np.mean(inside)) if inside else None)
    assert sum(ours["scale"][name]["queries"] for name in ATTRIBUTES["scale"]) not in (0, len(asked))


def test_official_files_without_attributes_give_the_overall_columns(tmp_path: Path) -> None:
    queries, gallery, results = case(5)
    bare = [{key: query[key] for key in ("query_image_id", "bbox", "cls", "pair_id", "style")} for query in queries]
    with_levels = metrics(evaluate(tmp_path, queries, gallery, results))
    assert metrics(evaluate(tmp_path, bare, gallery, results)) == {"overall": with_levels["overall"]}


def test_no_result_at_all_misses_every_query(tmp_path: Path) -> None:
    queries, gallery, _ = case(6)
    overall = metrics(evaluate(tmp_path, queries, gallery, []))["overall"]
    assert overall["missed"] == overall["queries"] > 0
    assert overall["top20"] == 0


def test_no_query_gives_null(tmp_path: Path) -> None:
    _, gallery, results = case(7)
    overall = metrics(evaluate(tmp_path, [], gallery, results))["overall"]
    assert overall["top1"] is None
    assert overall["queries"] == overall["missed"] == 0


def test_chance_is_the_share_of_a_querys_identity_in_the_gallery(tmp_path: Path) -> None:
    query = {"query_image_id": 1, "bbox": [0, 0, 9, 9], "cls": 1, "pair_id": 4, "style": 2}
    shops = [(4, 2), (4, 2), (4, 1), (5, 2), (4, 0)]
    gallery = [{"gallery_image_id": 2, "bbox": [0, 0, 9, 9], "pair_id": p, "style": s} for p, s in shops]
    assert metrics(evaluate(tmp_path, [query], gallery, []))["overall"]["chance_top1"] == 2 / 5


def test_iou_is_pycocotools_to_the_bit() -> None:
    rng = np.random.default_rng(8)
    corners = np.sort(rng.random((2, 2000, 2, 2)) * 1000, axis=2)
    a, b = corners.transpose(0, 1, 2, 3).reshape(2, 2000, 4)
    whole = np.array([pycocotools.mask.iou([xywh(x)], [xywh(y)], [0])[0, 0] for x, y in zip(a, b, strict=True)])
    assert np.array_equal(box_iou(a, b), whole)
