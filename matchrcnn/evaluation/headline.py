"""The few numbers of a run that fit on a page: its overall metrics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matchrcnn.files import read_json, write_json


def write_headline(report: Path) -> None:
    """Write headline.json, the `overall` metrics of metrics.json beside it, rounded to four decimals as tables are.

    They stand under the run's name, the folder's, so that DVC's tables have a column `detection.box.AP` and not one
    that begins with a path.
    """
    found = {report.name: _overall(read_json(report / "metrics.json"))}
    write_json(report / "headline.json", found, indent=True)


def _overall(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Stream -> its overall metrics; retrieval has a level more, a stream for each protocol."""
    headline: dict[str, Any] = {}
    for stream, found in metrics.items():
        if "overall" in found:
            rounded = {name: None if value is None else round(value, 4) for name, value in found["overall"].items()}
            headline[stream] = rounded
        else:
            headline[stream] = _overall(found)
    return headline
