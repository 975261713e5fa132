"""The slow way: one pycocotools evaluation a subset, with the others ignored as pycocotools honours it."""

import contextlib
import copy
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from matchrcnn.taxonomy import ATTRIBUTES, SIGMAS, SUBSETS


def belongs(item: dict, subset: tuple[str, str] | None) -> bool:
    """Whether an item is in a subset; None is the whole split."""
    return subset is None or item[subset[0]] == ATTRIBUTES[subset[0]].index(subset[1]) + 1


def select(truth: dict, subset: tuple[str, str] | None, rule: str, kind: str) -> tuple[dict, list[int]]:
    """Ground truth with what a rule ignores marked, and the ids of the images that count."""
    truth = copy.deepcopy(truth)
    counts = [item for item in truth["annotations"] if kind != "keypoints" or item["num_keypoints"] > 0]
    holders = {item["image_id"] for item in counts if belongs(item, subset)}
    for item in truth["annotations"]:
        if rule != "whole_images" and not belongs(item, subset):
            item["area" if kind != "keypoints" else "num_keypoints"] = 1e12 if kind != "keypoints" else 0
    everything = subset is None or rule == "all_images"
    return truth, [image["id"] for image in truth["images"] if everything or image["id"] in holders]


def coco_eval(truth: dict, results: list[dict], kind: str, images: list[int]) -> COCOeval | None:
    """pycocotools' evaluation; None where it cannot run, for want of results or images."""
    if not results or not images:
        return None
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = truth
        ground.createIndex()
        found = COCOeval(ground, ground.loadRes(copy.deepcopy(results)), kind)
        found.params.imgIds = images
        found.params.areaRng, found.params.areaRngLbl = [[0, 1e10]], ["all"]
        found.params.maxDets = [20] if kind == "keypoints" else [100]
        if kind == "keypoints":
            found.params.kpt_oks_sigmas = SIGMAS
        found.evaluate()
        found.accumulate()
    return found


def curves(truth: dict, results: list[dict], kind: str, rule: str) -> list[tuple[np.ndarray, np.ndarray] | None]:
    """Precision (T, R, K) and recall (T, K) of the 12 subsets and the whole split."""
    found = []
    for subset in (*SUBSETS, None):
        evaluation = coco_eval(*_arguments(truth, results, kind, subset, rule))
        found.append(evaluation and (evaluation.eval["precision"][..., 0, 0], evaluation.eval["recall"][..., 0, 0]))
    return found


def _arguments(truth: dict, results: list[dict], kind: str, subset: tuple[str, str] | None, rule: str) -> tuple:
    marked, images = select(truth, subset, rule, kind)
    return marked, results, kind, images
