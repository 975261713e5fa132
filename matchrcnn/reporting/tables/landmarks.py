"""How far off a run's landmarks are, by category and landmark: the page's view of diagnosis.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchrcnn.project import Run
from matchrcnn.reporting.tables.table import NOTHING, number
from matchrcnn.tasks import LANDMARKS
from matchrcnn.taxonomy import CATEGORIES

RULE = (
    "Distances are in parts of the longer side of an item's ground-truth box. PCK@0.2: the share of labelled "
    "landmarks, visible or occluded, that lie within 0.2 of it. An item counts as found when its image has a detection "
    "of its category; the one whose landmarks lie nearest stands for it."
)
FULL_COLOUR = 0.2
"""Error at which a landmark's colour is full: where it stops being correct."""


@dataclass(frozen=True)
class Landmark:
    """One landmark: `heat` 0..1 grows with its mean error; `hint` says what was measured."""

    number: int
    heat: float
    hint: str


@dataclass(frozen=True)
class LandmarkRow:
    """One category, or all of them: numbers as texts, then its landmarks in order."""

    name: str
    items: str
    found: str
    pck: str
    error: str
    landmarks: tuple[Landmark, ...]


def landmark_rows(run: Run) -> list[LandmarkRow]:
    """A row a category, the overall one last; empty where landmarks were not diagnosed."""
    found = run.diagnosis.get(LANDMARKS.kind)
    if found is None:
        return []
    rows = [_row(own.name, found["category"][own.name]) for own in CATEGORIES if own.name in found["category"]]
    return [*rows, _row("overall", found["overall"])]


def _row(name: str, found: Mapping[str, Any]) -> LandmarkRow:
    landmarks = (_landmark(place, own) for place, own in enumerate(found.get("landmarks", ()), 1))
    items, known = (f"{found[key]:,}" for key in ("items", "found"))
    return LandmarkRow(name, items, known, number(found["pck"]), number(found["error"]), tuple(landmarks))


def _landmark(place: int, found: Mapping[str, Any]) -> Landmark:
    error = found["error"]
    if error is None:
        return Landmark(place, 0.0, f"landmark {place}: {NOTHING}")
    hint = f"landmark {place}: error {error:.3f}, PCK {found['pck']:.2f}, {found['labelled']:,} labelled"
    return Landmark(place, min(1.0, error / FULL_COLOUR), hint)
