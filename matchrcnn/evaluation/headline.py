"""The few numbers of a run that fit on a page: its overall metrics."""

from pathlib import Path

from matchrcnn.files import read_json, write_json


def write_headline(report: Path) -> None:
    """Write headline.json, the `overall` metrics of metrics.json beside it, rounded to four decimals as tables are."""
    metrics = read_json(report / "metrics.json")
    headline = {
        stream: {name: None if value is None else round(value, 4) for name, value in subsets["overall"].items()}
        for stream, subsets in metrics.items()
    }
    write_json(report / "headline.json", headline, indent=True)
