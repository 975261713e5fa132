"""The slow way: one pycocotools evaluation a subset, with the others ignored as pycocotools honours it."""

import contextlib
import copy
import io
from pathlib import Path

import hotcoco
import numpy as np
import orjson
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from matchrcnn.taxonomy import ATTRIBUTES, SIGMAS, SUBSETS


def belongs(item: dict, subset: tuple[str, str] | None) -> bool:
    """Whether an item is in a subset; None is the whole split."""
    return subset is None or item[subset[0]] == ATTRIBUTES[subset[0]].index(subset[1]) + 1


def select(truth: dict, subset: tuple[str, str] | None, rule: str, kind: str) -> tuple[dict, list[int]]:
    """Ground truth with what a rule ignores marked, and the ids of the images that count."""
    truth = copy.deepcopy(truth)
    items = [item for item in truth["annotations"] if not item["iscrowd"]]
    counts = [item for item in items if kind != "keypoints" or item["num_keypoints"] > 0]
    holders = {item["image_id"] for item in counts if belongs(item, subset)}
    for item in truth["annotations"]:
        if rule != "whole_images" and not belongs(item, subset):
            item["area" if kind != "keypoints" else "num_keypoints"] = 1e12 if kind != "keypoints" else 0
    everything = subset is None or rule == "all_images"
    return truth, [image["id"] for image in truth["images"] if everything or image["id"] in holders]


def arguments(
    truth: dict, results: list[dict], kind: str, subset: tuple[str, str] | None, rule: str
) -> tuple[dict, list[dict], str, list[int]]:
    """What `coco_eval` needs to score a subset under a rule."""
    marked, images = select(truth, subset, rule, kind)
    return marked, results, kind, images


def coco_eval(truth: dict, results: list[dict], kind: str, images: list[int]) -> COCOeval:
    """pycocotools' evaluation."""
    with contextlib.redirect_stdout(io.StringIO()):
        ground, found = COCO(), COCO()
        ground.dataset, found.dataset = truth, {**truth, "annotations": []}
        ground.createIndex()
        found.createIndex()
        evaluation = COCOeval(ground, ground.loadRes(copy.deepcopy(results)) if results else found, kind)
        params = evaluation.params
        params.imgIds = images
        params.areaRng, params.areaRngLbl = [[0, 1e10]], ["all"]
        params.maxDets = [20] if kind == "keypoints" else [100]
        params.kpt_oks_sigmas = SIGMAS
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def hotcoco_precision(folder: Path, truth: dict, results: list[dict], kind: str, images: list[int]) -> np.ndarray:
    """Precision (T, R, K) by hotcoco, of the same case."""
    if not images:
        return np.full((10, 101, 13), -1.0)
    (folder / "hotcoco.json").write_bytes(orjson.dumps(truth))
    (folder / "hotcoco_results.json").write_bytes(orjson.dumps(results))
    ground = hotcoco.COCO(str(folder / "hotcoco.json"))
    evaluation = hotcoco.COCOeval(ground, ground.load_res(str(folder / "hotcoco_results.json")), kind)
    params = evaluation.params
    params.img_ids = images
    params.area_rng, params.area_rng_lbl = [[0, 1e10]], ["all"]
    params.max_dets = [20] if kind == "keypoints" else [100]
    params.kpt_oks_sigmas = SIGMAS
    evaluation.evaluate()
    evaluation.accumulate()
    return np.array(evaluation.eval["precision"])[..., 0, 0]


def curves(truth: dict, results: list[dict], kind: str, rule: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Precision (T, R, K) and recall (T, K) of the 12 subsets and the whole split."""
    found = []
    for subset in (*SUBSETS, None):
        case = arguments(truth, results, kind, subset, rule)
        if case[-1]:
            evaluation = coco_eval(*case).eval
            found.append((evaluation["precision"][..., 0, 0], evaluation["recall"][..., 0, 0]))
        else:
            found.append((np.full((10, 101, 13), -1.0), np.full((10, 13), -1.0)))
    return found
