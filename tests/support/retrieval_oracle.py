"""The official retrieval rule written slowly, entry by entry, on the dicts of the official files."""

from functools import cache
from typing import Any

import numpy as np
import pycocotools.mask

Entry = dict[str, Any]


def xywh(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


@cache
def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return float(pycocotools.mask.iou(np.array([a], float), np.array([b], float), [0])[0, 0])


def iou(a: list[float], b: list[float]) -> float:
    return _iou(tuple(xywh(a)), tuple(xywh(b)))


def follow(queries: list[Entry], gallery: list[Entry], results: list[Entry]) -> list[Entry]:
    """For every query, in order: the index of its result or None, and the rank of its first hit or None."""
    found = []
    for index, query in enumerate(queries):
        if query["style"] > 0:
            stands = stands_for(index, queries, results)
            found.append(
                {"stands": stands, "hit": first_hit(query, gallery, None if stands is None else results[stands])}
            )
    return found


def stands_for(index: int, queries: list[Entry], results: list[Entry]) -> int | None:
    best = None
    image_id = queries[index]["query_image_id"]
    inside = [place for place, query in enumerate(queries) if query["query_image_id"] == image_id]
    for row, result in enumerate(results):
        if result["query_image_id"] != image_id:
            continue
        overlaps = [iou(result["query_bbox"], queries[place]["bbox"]) for place in inside]
        assigned = inside[overlaps.index(max(overlaps))]
        if assigned != index or result["query_cls"] != queries[index]["cls"]:
            continue
        if best is None or result["query_score"] > results[best]["query_score"]:
            best = row
    return best


def first_hit(query: Entry, gallery: list[Entry], result: Entry | None) -> int | None:
    if result is None:
        return None
    for rank, (image_id, box) in enumerate(zip(result["gallery_image_id"][:20], result["gallery_bbox"], strict=False)):
        for item in gallery:
            same_identity = item["pair_id"] == query["pair_id"] and item["style"] == query["style"]
            if same_identity and item["gallery_image_id"] == image_id and iou(box, item["bbox"]) >= 0.5:
                return rank
    return None


def slow_metrics(queries: list[Entry], gallery: list[Entry], results: list[Entry]) -> dict[str, float | int]:
    outcomes = follow(queries, gallery, results)
    accuracy = {
        f"top{k}": sum(each["hit"] is not None and each["hit"] < k for each in outcomes) / len(outcomes)
        for k in (1, 5, 10, 15, 20)
    }
    return {**accuracy, "queries": len(outcomes), "missed": sum(each["stands"] is None for each in outcomes)}
