"""headline.json holds a run's overall numbers, whatever its task."""

from pathlib import Path

from matchrcnn.evaluation.headline import write_headline
from matchrcnn.files import read_json, write_json


def test_overall_numbers_of_every_stream_and_protocol(tmp_path: Path) -> None:
    metrics = {
        "box": {"overall": {"AP": 0.123456, "AR": None}, "scale": {"small": {"AP": 0.5}}},
        "retrieval": {"detected_box": {"overall": {"top1": 0.25, "queries": 12}, "scale": {"small": {"top20": 1.0}}}},
    }
    write_json(tmp_path / "run_3" / "metrics.json", metrics)
    write_headline(tmp_path / "run_3")
    assert read_json(tmp_path / "run_3" / "headline.json") == {
        "run_3": {
            "box": {"AP": 0.1235, "AR": None},
            "retrieval": {"detected_box": {"top1": 0.25, "queries": 12}},
        }
    }
