"""The published rows that stand beside a run's own, read from published.yaml."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from matchrcnn.reporting.runs import COLUMNS

PUBLISHED: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("published.yaml").read_text())

ORIGINS = {
    "released": "Published, released (191,961 images)",
    "full_data": "Published, full data (390,884 images, never released)",
    "paper_table_4": "Published, paper's first version (never released data)",
}
METRICS = ("AP", "AP50", "AP75")
TOP_K = ("top1", "top5", "top10", "top15", "top20")
_PARTS = {
    "box": "",
    "mask": "",
    "landmarks_visible": "visible",
    "landmarks_visible_and_occluded": "visible_and_occluded",
}


@dataclass(frozen=True)
class Published:
    """One published result of a task: `values` maps stream/column/metric, as in metrics.json, to 0..1."""

    label: str
    values: dict[str, float]


def published_ap(task: str, streams: tuple[str, ...]) -> list[Published]:
    """The published AP tables of a task, the released data first."""
    rows = []
    for origin, label in ORIGINS.items():
        if entry := PUBLISHED[task].get(origin):
            values = dict(_flat(entry, streams))
            rows.append(Published(label, values))
    return rows


def _flat(entry: Mapping[str, Any], streams: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    for stream in streams:
        for metric, value in entry.get(_PARTS[stream], entry).items():
            for column, number in zip(COLUMNS, value, strict=True) if isinstance(value, list) else [("overall", value)]:
                yield f"{stream}/{column}/{metric}", number


def published_top_k() -> list[Published]:
    """Table 8 of the repository: top-k accuracy of the five variants with detected boxes, released data."""
    table = PUBLISHED["retrieval"]["released"]
    stream = "retrieval/detected_box/overall"
    return [
        Published(variant, {f"{stream}/{k}": number for k, number in zip(TOP_K, numbers, strict=True)})
        for variant, numbers in table.items()
        if variant != "columns"
    ]


def published_retrieval_subsets(stream: str) -> list[Published]:
    """Table 9 of the repository for one box protocol: top-20 on the 12 subsets; overall top-1, 10 and 20."""
    table = PUBLISHED["retrieval"]["full_data"][stream.removeprefix("retrieval/")]
    rows = []
    for variant, numbers in table.items():
        values = {
            f"{stream}/{column}/top20": value for column, value in zip(COLUMNS[:-1], numbers["subsets"], strict=True)
        }
        for k, value in zip(("top1", "top10", "top20"), numbers["overall"], strict=True):
            values[f"{stream}/overall/{k}"] = value
        rows.append(Published(variant, values))
    return rows


def variant_of(name: str, published: Sequence[Published]) -> Published | None:
    """The published variant that a run's name ends in (`retrieval_pose_class`: pose+class)."""
    named = [row for row in published if name.endswith(row.label.replace("+", "_"))]
    return max(named, key=lambda row: len(row.label)) if named else None


def headline_published(task: str) -> tuple[str, float]:
    """The metric path by which a task is judged first, and its published value on the released data."""
    if task == "retrieval":
        best = max(published_top_k(), key=lambda row: row.values["retrieval/detected_box/overall/top20"])
        return "retrieval/detected_box/overall/top20", best.values["retrieval/detected_box/overall/top20"]
    stream = {"detection": "box", "segmentation": "mask", "landmarks": "landmarks_visible"}[task]
    path = f"{stream}/overall/AP"
    return path, published_ap(task, (stream,))[0].values[path]


def best_known(task: str) -> str:
    """One sentence on the best number known to us, for orientation."""
    entry = dict(PUBLISHED["best_known"][task])
    source = entry.pop("by")
    name, value = next(iter(entry.items()))
    number = ", ".join(f"{v:.3f}" for v in value) if isinstance(value, list) else f"{value:.3f}"
    return f"Best known on validation: {name.replace('_', ' ')} {number}, {source}."
