"""A small pipeline folder with every file that the report reads, written by hand."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from matchrcnn.config import Params
from matchrcnn.files import sha256, write_json, write_text
from matchrcnn.paths import lookup, nest
from matchrcnn.project import Project
from matchrcnn.taxonomy import ATTRIBUTES, CATEGORIES, CATEGORY_NAMES, SUBSETS

SIZE = 160
PRESET = Path(__file__).parents[2] / "pipelines/sample.yaml"
SCHEDULES = {"detection": "2x", "segmentation": "2x", "landmarks": "s1x", "retrieval": "1x"}
VARIANTS = {
    "retrieval_class": "class",
    "retrieval_pose": "pose",
    "retrieval_mask": "mask",
    "retrieval_pose_class": "pose+class",
    "retrieval_mask_class": "mask+class",
}
RUNS = {
    "detection": "detection",
    "segmentation": "segmentation",
    "landmarks": "landmarks",
    "retrieval_pose_class": "retrieval",
}
STREAMS = {
    "detection": ["box"],
    "segmentation": ["box", "mask"],
    "landmarks": ["box", "landmarks_visible", "landmarks_visible_and_occluded"],
    "retrieval": ["box"],
}
COLUMNS = [*(f"{a}/{level}" for a, level in SUBSETS), "overall", *(f"category/{name}" for name in CATEGORY_NAMES)]


def params(runs: dict[str, str] = RUNS, **sections: Any) -> Params:  # noqa: ANN401 (any section)
    """The sample preset with other runs, {name: task}; those of retrieval have the variant that VARIANTS has."""
    entries: dict[str, dict[str, Any]] = {
        name: {"task": task, "schedule": SCHEDULES[task], "init_from": "initial"} for name, task in runs.items()
    }
    for name in entries.keys() & VARIANTS.keys():
        entries[name]["retrieval"] = {"variant": VARIANTS[name]}
    raw = yaml.safe_load(PRESET.read_text()) | {"runs": entries, "check": {}}
    return Params.model_validate(raw | {"data": data("DeepFashion2"), "report": {"gallery_images": 6}} | sections)


def data(name: str | None) -> dict[str, str | None]:
    """The data set of the pipeline by another name; None: that of its folder, sample."""
    return {"root": "data/sample", "name": name}


def project(folder: Path, runs: dict[str, str] = RUNS, data_name: str | None = "DeepFashion2") -> Project:
    """The project in a folder that `write_pipeline` wrote; only of DeepFashion2 it is compared with the paper."""
    return Project(folder, given=params(runs, data=data(data_name)))


def write_pipeline(folder: Path, images: int = 30, runs: dict[str, str] = RUNS, seed: int = 5) -> Path:
    """Write reports, results, models, converted data and images under `folder`; gives the folder of images."""
    rng = random.Random(seed)
    coco = _annotations(images, rng)
    write_json(folder / "data/coco/validation.json", coco)
    for image in coco["images"]:
        own = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
        _draw(folder / "images" / image["file_name"], own, rng)
    for name, task in runs.items():
        _write_reports(folder / "reports" / name, task, coco, rng)
        _write_results(folder / "results" / name, task, coco, rng)
        write_text(folder / "models" / name / "config.yaml", f"name: {name}\ntraining: {{base_lr: 0.002}}\n")
    weights = folder / "models/detection/model.safetensors"
    write_text(weights, "weights")
    write_json(folder / ".work/provenance/detection.json", PROVENANCE | {"model": sha256(weights)})
    for split in ("train", "validation"):
        write_json(folder / f"reports/data/{split}.json", _data_report(coco))
    return folder / "images"


PROVENANCE = {
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "dirty": False,
    "wall_s": 372.4,
    "hardware": "2 x Some CPU, no GPU",
    "started": "2026-11-23T12:00:00Z",
    "versions": {"python": "3.11.7", "torch": "2.14.1"},
}


def _annotations(count: int, rng: random.Random) -> dict[str, Any]:
    images, annotations = [], []
    for number in range(1, count + 1):
        images.append(
            {
                "id": number,
                "file_name": f"{number:06d}.jpg",
                "width": SIZE,
                "height": SIZE,
                "source": rng.choice(["shop", "user"]),
                "pair_id": 1 + number // 3,
            }
        )
        for _ in range(rng.choice([1, 2])):
            annotations.append(_item(len(annotations) + 1, images[-1], rng))
    categories = [
        {
            "id": c.id,
            "name": c.name,
            "supercategory": "clothes",
            "keypoints": [str(i) for i in range(c.count)],
            "skeleton": [],
        }
        for c in CATEGORIES
    ]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}


def _item(number: int, image: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    category = rng.choice(CATEGORIES)
    w, h = rng.uniform(50, 90), rng.uniform(50, 90)
    x, y = rng.uniform(2, SIZE - 2 - w), rng.uniform(2, SIZE - 2 - h)
    points = category.points * [w, h] + [x, y]
    visibility = rng.choices([0, 1, 2], [1, 2, 8], k=category.count)
    keypoints = [[px, py, v] if v else [0, 0, 0] for (px, py), v in zip(points.tolist(), visibility, strict=True)]
    return {
        "id": number,
        "image_id": image["id"],
        "bbox": [x, y, w, h],
        "area": w * h,
        "iscrowd": 0,
        "segmentation": [points[list(category.outline)].ravel().tolist()],
        "category_id": category.id,
        "keypoints": [value for point in keypoints for value in point],
        "num_keypoints": sum(v > 0 for v in visibility),
        "pair_id": image["pair_id"],
        "style": rng.randint(0, 2),
        "source": image["source"],
        **{name: rng.randint(1, 3) for name in ATTRIBUTES},
    }


def _draw(path: Path, items: list[dict[str, Any]], rng: random.Random) -> None:
    picture = Image.new("RGB", (SIZE, SIZE), tuple(rng.randint(150, 230) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for item in items:
        flat = item["segmentation"][0]
        color = tuple(rng.randint(30, 200) for _ in range(3))
        draw.polygon(list(zip(flat[::2], flat[1::2], strict=True)), fill=color)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90)


def _write_results(folder: Path, task: str, coco: dict[str, Any], rng: random.Random) -> None:
    boxes, masks, landmarks = [], [], []
    for item in coco["annotations"]:
        if rng.random() < 0.15:
            continue
        shift = rng.choice([2, 4, 25])
        category = rng.choice(CATEGORIES) if rng.random() < 0.15 else CATEGORIES[item["category_id"] - 1]
        base = {"image_id": item["image_id"], "category_id": category.id, "score": round(rng.uniform(0.3, 1), 3)}
        x, y, w, h = item["bbox"]
        boxes.append(base | {"bbox": [x + shift, y, w, h]})
        polygon = [value + (shift if i % 2 == 0 else 0) for i, value in enumerate(item["segmentation"][0])]
        rle = coco_mask.frPyObjects([polygon], SIZE, SIZE)[0]
        masks.append(base | {"segmentation": {"size": rle["size"], "counts": rle["counts"].decode()}})
        points = np.full((294, 3), 1.0)
        points[:, :2] = x + w / 2, y + h / 2
        points[category.landmarks, :2] = category.points * [w, h] + [x + shift, y]
        landmarks.append(base | {"keypoints": points.ravel().tolist()})
    write_json(folder / "boxes.json", boxes)
    if task == "segmentation":
        write_json(folder / "masks.json", masks)
    if task == "retrieval":
        write_json(folder / "retrieval.json", _retrieved(coco, rng))
    if task == "landmarks":
        write_json(folder / "landmarks.json", landmarks)


def _retrieved(coco: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """The query's own identity among random shop items, more often in front."""
    shop = [item for item in coco["annotations"] if item["source"] == "shop"]
    results = []
    for item in coco["annotations"]:
        if item["source"] == "user" and rng.random() < 0.9:
            identity = item["pair_id"], item["style"]
            ranked = sorted(shop, key=lambda s: rng.random() - 0.5 * (identity == (s["pair_id"], s["style"])))
            results.append(
                {
                    "query_image_id": item["image_id"],
                    "query_bbox": _corners(item),
                    "query_cls": item["category_id"],
                    "query_score": 0.9,
                    "gallery_image_id": [s["image_id"] for s in ranked[:20]],
                    "gallery_bbox": [_corners(s) for s in ranked[:20]],
                }
            )
    return results


def _corners(item: dict[str, Any]) -> list[float]:
    x, y, w, h = item["bbox"]
    return [x, y, x + w, y + h]


def _write_reports(folder: Path, task: str, coco: dict[str, Any], rng: random.Random) -> None:
    metrics, intervals, counts = {}, {}, {}
    for stream in STREAMS[task]:
        metrics[stream] = nest((c, _numbers(rng)) for c in COLUMNS)
        intervals[stream] = nest((c, _limits(lookup(metrics[stream], c))) for c in COLUMNS)
        counts[stream] = nest((c, {"images": 9, "items": 40}) for c in COLUMNS)
    if task == "retrieval":
        metrics["retrieval"] = {
            box: nest((c, _top_k(rng)) for c in COLUMNS[:13]) for box in ("detected_box", "ground_truth_box")
        }
    write_json(folder / "metrics.json", metrics)
    write_json(folder / "intervals.json", intervals)
    write_json(folder / "diagnosis.json", _diagnosis(task, rng))
    bootstrap = {"resamples": 1000, "seed": 0, "level": 0.95}
    digests = {"annotations": "ab" * 32, "results": {"boxes": "cd" * 32}}
    write_json(
        folder / "protocol.json", {"subset_rule": "subset_images", "bootstrap": bootstrap, **digests, "counts": counts}
    )
    _write_curves(folder, STREAMS[task])


def _diagnosis(task: str, rng: random.Random) -> dict[str, Any]:
    """As the evaluate stage writes it."""
    kinds = ("duplicate", "wrong_class", "bad_localisation", "both", "background", "missed")

    def cell() -> dict[str, Any] | None:
        errors = {kind: {"count": rng.randint(0, 40), "cost": rng.uniform(0, 0.12)} for kind in kinds}
        return None if rng.random() < 0.04 else {"AP50": rng.uniform(0.5, 0.9), "errors": errors}

    labels = [*CATEGORY_NAMES, "nothing"]
    matrix = [[20 if a == b else rng.choice([0, 0, 0, 3]) for b in labels] for a in labels]
    definition = {kind: f"what {kind} means" for kind in kinds} | {"confusion": "score >= 0.5, IoU >= 0.5"}
    streams = {
        stream: {"definition": definition, "confusion": {"labels": labels, "matrix": matrix}}
        | nest((c, cell() or (None if c != "overall" else _always(kinds))) for c in COLUMNS)
        for stream in STREAMS[task]
        if stream in ("box", "mask")
    }
    return streams | ({"landmarks": _landmark_errors(rng)} if task == "landmarks" else {})


def _always(kinds: tuple[str, ...]) -> dict[str, Any]:
    return {"AP50": 0.7, "errors": {kind: {"count": 5, "cost": 0.05} for kind in kinds}}


def _landmark_errors(rng: random.Random) -> dict[str, Any]:
    def measured() -> dict[str, Any]:
        return {"pck": rng.uniform(0.5, 1), "error": rng.uniform(0.02, 0.25)}

    categories = {}
    for c in CATEGORIES:
        own = [measured() | {"labelled": 9} for _ in range(c.count - 1)]
        own.append({"labelled": 0, "pck": None, "error": None})
        categories[c.name] = {"items": 11, "found": 9, "landmarks": own} | measured()
    return {"overall": {"items": 143, "found": 117} | measured(), "category": categories}


def _numbers(rng: random.Random) -> dict[str, float | None]:
    if rng.random() < 0.04:
        return {"AP": None, "AP50": None, "AP75": None, "AR": None}
    value = rng.uniform(0.4, 0.75)
    return {"AP": value, "AP50": min(1, value + 0.17), "AP75": value + 0.08, "AR": value + 0.05}


def _limits(numbers: dict[str, float | None]) -> dict[str, list[float] | None]:
    return {k: None if v is None else [v - 0.03, v + 0.025] for k, v in numbers.items()}


def _top_k(rng: random.Random) -> dict[str, float]:
    first = rng.uniform(0.1, 0.3)
    return {"top1": first, "top5": first + 0.1, "top10": first + 0.2, "top15": first + 0.25, "top20": first + 0.3} | {
        "queries": 120,
        "missed": 7,
        "chance_top1": 0.0123,
    }


def _write_curves(folder: Path, streams: list[str]) -> None:
    lines = ["iteration,epoch,lr,total_loss,loss_box_reg,loss_cls,val_loss_box_reg,val_loss_cls,val_total_loss"]
    for i in range(20, 1001, 20):
        loss = 0.3 + 3 / (1 + i / 60)
        validation = f"{loss / 3 + 0.1},{loss / 2 + 0.1},{loss + 0.15}" if i % 200 == 0 else ",,"
        lines.append(f"{i},{i / 80},{0.002 * (1 - i / 1000)},{loss},{loss / 3},{loss / 2},{validation}")
    write_text(folder / "curves.csv", "\n".join(lines) + "\n")
    lines = ["stream,iou,recall,precision"]
    for stream in streams:
        for iou, power in ((0.5, 6), (0.75, 3)):
            lines += [f"{stream},{iou},{r / 100},{1 - (r / 100) ** power}" for r in range(101)]
    write_text(folder / "precision_recall.csv", "\n".join(lines) + "\n")


def _data_report(coco: dict[str, Any]) -> dict[str, Any]:
    items = coco["annotations"]
    levels = {
        name: {level: sum(a[name] == n for a in items) for n, level in enumerate(levels, 1)}
        for name, levels in ATTRIBUTES.items()
    }
    category = {name: sum(a["category_id"] == n for a in items) for n, name in enumerate(CATEGORY_NAMES, 1)}
    defect = {"kind": "box_past_border", "action": "fixed", "file": "annos/000007.json", "item": "item1"}
    return {
        "split": "train",
        "counts": {"images": len(coco["images"]), "items": len(items), "category": category, **levels},
        "defects": {"box_past_border": {"action": "fixed", "count": 1}},
        "defect_list": [defect | {"reason": "x2 is 161, the image is 160 wide"}],
    }
