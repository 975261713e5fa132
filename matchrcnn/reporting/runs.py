"""What one run left behind, read from its folders: numbers, curves, protocol and provenance."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import yaml

from matchrcnn.config import RunParams
from matchrcnn.errors import UserError
from matchrcnn.files import read_json, sha256
from matchrcnn.subsets import COLUMNS

STREAMS: dict[str, tuple[str, ...]] = {
    "detection": ("box",),
    "segmentation": ("mask",),
    "landmarks": ("landmarks_visible", "landmarks_visible_and_occluded"),
    "retrieval": ("retrieval/detected_box", "retrieval/ground_truth_box"),
}
"""Task -> the streams of metrics.json that its published tables hold."""

__all__ = ["COLUMNS", "STREAMS", "Interval", "Run", "find_runs", "lookup"]

Interval = tuple[float, float]


@dataclass(frozen=True)
class Run:
    """One run of the pipeline with the files that its stages wrote; files that may be missing are empty here.

    Attributes:
        folder: the pipeline's folder, which holds `reports`, `results`, `models` and `.work`.
    """

    name: str
    task: str
    schedule: str
    folder: Path

    @property
    def reports(self) -> Path:
        """The run's folder of reports."""
        return self.folder / "reports" / self.name

    def results(self, stream: str) -> Path:
        """The file of results of a stream: boxes, masks, landmarks or retrieval."""
        return self.folder / "results" / self.name / f"{stream}.json"

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The nested numbers of metrics.json."""
        return _mapping(self.reports / "metrics.json")

    @cached_property
    def intervals(self) -> dict[str, Any]:
        """The nested confidence intervals; empty where none were computed."""
        return _optional_mapping(self.reports / "intervals.json")

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """How the numbers were computed: subset rule, bootstrap, digests and counts."""
        return _mapping(self.reports / "protocol.json")

    @cached_property
    def diagnosis(self) -> dict[str, Any]:
        """What costs the AP, by stream; empty where nothing was diagnosed."""
        return _optional_mapping(self.reports / "diagnosis.json")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Commit, wall time and hardware of the training; empty on a machine that did not train this model."""
        known = _optional_mapping(self.folder / ".work" / "provenance" / f"{self.name}.json")
        return known if known.get("model") and known["model"] == self.weights_digest else {}

    @cached_property
    def weights_digest(self) -> str | None:
        """SHA-256 of the model's weights; None where they are not at hand."""
        weights = self.folder / "models" / self.name / "model.safetensors"
        return sha256(weights) if weights.exists() else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the model was made from, models/RUN/config.yaml."""
        path = self.folder / "models" / self.name / "config.yaml"
        return yaml.safe_load(path.read_text()) if path.exists() else {}

    @cached_property
    def curves(self) -> list[dict[str, str]]:
        """Rows of curves.csv."""
        return _csv(self.reports / "curves.csv")

    @cached_property
    def precision_recall(self) -> list[dict[str, str]]:
        """Rows of precision_recall.csv."""
        return _csv(self.reports / "precision_recall.csv")

    def has(self, stream: str) -> bool:
        """Whether the run was scored on a stream."""
        return isinstance(lookup(self.metrics, stream), Mapping)

    def value(self, path: str) -> float | None:
        """The number at a path such as `box/scale/small/AP`; None where there is nothing to measure."""
        value = lookup(self.metrics, path)
        return float(value) if isinstance(value, int | float) else None

    def interval(self, path: str) -> Interval | None:
        """The confidence interval at a path such as `box/overall/AP`, or None."""
        value = lookup(self.intervals, path)
        if not isinstance(value, list) or len(value) != 2 or None in value:
            return None
        return float(value[0]), float(value[1])

    def count(self, stream: str, column: str, what: str) -> int | None:
        """How many `images` or `items` a column counts; the protocol states it for each stream or for all at once."""
        counts = self.protocol.get("counts", {})
        for path in (f"{stream}/{column}/{what}", f"{column}/{what}"):
            value = lookup(counts, path)
            if isinstance(value, int):
                return value
        return None


def find_runs(folder: Path, runs: Mapping[str, RunParams]) -> list[Run]:
    """The runs of params.yaml, in its order, with the folder that their files lie in."""
    return [Run(name, params.task, params.schedule, folder) for name, params in runs.items()]


def lookup(nested: Any, path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """The value at a path such as `box/scale/small/AP`; None where the path leads nowhere."""
    for key in path.split("/"):
        if not isinstance(nested, Mapping):
            return None
        nested = nested.get(key)
    return nested


def _mapping(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(
            f"{path}: a JSON object is expected, found {type(value).__name__}; run the stage that writes it"
        )
    return cast(dict[str, Any], value)


def _optional_mapping(path: Path) -> dict[str, Any]:
    return _mapping(path) if path.exists() else {}


def _csv(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
