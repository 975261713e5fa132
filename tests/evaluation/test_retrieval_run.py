import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from matchrcnn.cli import main
from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.intervals.paired import read_resampled, write_resampled
from matchrcnn.evaluation.retrieval.run import add_retrieval, evaluate_files
from tests.support.retrieval_cases import Case, case
from tests.support.retrieval_oracle import slow_metrics


def split(entries: Case) -> dict[str, Any]:
    """A converted split of the same items."""

    def item(entry: dict[str, Any], source: str) -> dict[str, Any]:
        x1, y1, x2, y2 = entry["bbox"]
        shared = {key: entry.get(key, 1) for key in ("pair_id", "style", "scale", "occlusion", "zoom_in", "viewpoint")}
        image = entry["query_image_id" if source == "user" else "gallery_image_id"]
        box = [x1, y1, x2 - x1, y2 - y1]
        return {"image_id": image, "bbox": box, "category_id": entry.get("cls", 1), "source": source, **shared}

    items = [item(entry, "user") for entry in entries.queries] + [item(entry, "shop") for entry in entries.gallery]
    return {"images": [], "annotations": items}


def test_a_runs_metrics_gain_the_protocols_that_have_results(tmp_path: Path) -> None:
    entries = case(1, user_images=12, shop_images=12)
    (tmp_path / "split.json").write_bytes(orjson.dumps(split(entries)))
    (tmp_path / "retrieval.json").write_bytes(orjson.dumps(entries.results))
    (tmp_path / "metrics.json").write_text('{"box": {"overall": {"AP": 0.5}}}')
    (tmp_path / "protocol.json").write_text('{"results": {"box": "digest"}}')
    write_resampled(tmp_path / "resamples.npz", {})
    (tmp_path / "intervals.json").write_text('{"box": {"overall": {"AP": [0.4, 0.6]}}}')
    add_retrieval(tmp_path / "split.json", tmp_path, tmp_path, BootstrapParams(resamples=50))
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["box"] == {"overall": {"AP": 0.5}}
    assert found["retrieval"].keys() == {"detected_box"}
    overall = found["retrieval"]["detected_box"]["overall"]
    expected = slow_metrics(*entries)
    assert {name: overall[name] for name in expected} == expected
    assert found["retrieval"]["detected_box"]["viewpoint"].keys() == {"no_wear", "frontal", "side_or_back"}
    assert json.loads((tmp_path / "protocol.json").read_text())["results"].keys() == {"box", "retrieval/detected_box"}
    limits = json.loads((tmp_path / "intervals.json").read_text())
    assert set(read_resampled(tmp_path / "resamples.npz")) == {f"retrieval/{name}" for name in limits["retrieval"]}
    assert limits["box"] == {"overall": {"AP": [0.4, 0.6]}}
    low, high = limits["retrieval"]["detected_box"]["overall"]["top5"]
    assert low <= overall["top5"] <= high
    assert limits["retrieval"]["detected_box"].keys() == found["retrieval"]["detected_box"].keys()


def test_a_run_without_retrieval_results_is_left_alone(tmp_path: Path) -> None:
    add_retrieval(tmp_path / "absent.json", tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_official_files_are_scored_as_they_are(tmp_path: Path) -> None:
    entries = case(2, user_images=12, shop_images=12)
    for name, content in entries._asdict().items():
        (tmp_path / name).write_bytes(orjson.dumps(content))
    found = evaluate_files(tmp_path / "queries", tmp_path / "gallery", tmp_path / "results")
    expected = slow_metrics(*entries)
    assert {name: found.metrics["overall"][name] for name in expected} == expected
    assert found.intervals == {}


PAGE = (Path(__file__).parents[2] / "docs/retrieval.md").read_text()
EVALUATE = [line.split() for line in PAGE.splitlines() if line.startswith("matchrcnn evaluate --task retrieval")]


@pytest.mark.documents("docs/retrieval.md", "matchrcnn evaluate --task retrieval")
@pytest.mark.parametrize("command", EVALUATE, ids=["official files", "a converted split"])
def test_the_pages_commands_score_official_results(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = case(3, user_images=12, shop_images=12)
    contents = [("--query", entries.queries), ("--gallery", entries.gallery), ("--results", entries.results)]
    monkeypatch.chdir(tmp_path)
    for option, content in (*contents, ("--annotations", split(entries))):
        if option in command:
            path = tmp_path / command[command.index(option) + 1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(orjson.dumps(content))
    assert main([*command[1:], "--bootstrap", "20"]) == 0
    assert f"{slow_metrics(*entries)['top5']:.4f}" in capsys.readouterr().out
