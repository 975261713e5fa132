"""The command scores official retrieval results, against official ground truth or a converted split."""

from pathlib import Path

import orjson
import pytest

from matchrcnn.cli import main
from matchrcnn.errors import UserError
from matchrcnn.evaluation.retrieval.run import evaluate_files, evaluate_split
from tests.support.retrieval_cases import as_split, case
from tests.support.retrieval_oracle import slow_metrics


def test_official_files_are_scored_as_they_are(tmp_path: Path) -> None:
    entries = case(2, user_images=12, shop_images=12)
    for name, content in entries._asdict().items():
        (tmp_path / name).write_bytes(orjson.dumps(content))
    found = evaluate_files(tmp_path / "queries", tmp_path / "gallery", tmp_path / "results")
    expected = slow_metrics(*entries)
    assert {name: found.metrics["overall"][name] for name in expected} == expected
    assert found.intervals == {}


PAGE = (Path(__file__).parents[3] / "docs/retrieval.md").read_text()
EVALUATE = [line.split() for line in PAGE.splitlines() if line.startswith("matchrcnn evaluate --task retrieval")]


@pytest.mark.documents("docs/retrieval.md", "matchrcnn evaluate --task retrieval")
@pytest.mark.parametrize("command", EVALUATE, ids=["official files", "a converted split"])
def test_the_pages_commands_score_official_results(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = case(3, user_images=12, shop_images=12)
    contents = [("--query", entries.queries), ("--gallery", entries.gallery), ("--results", entries.results)]
    monkeypatch.chdir(tmp_path)
    for option, content in (*contents, ("--annotations", as_split(entries))):
        if option in command:
            path = tmp_path / command[command.index(option) + 1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(orjson.dumps(content))
    assert main([*command[1:], "--bootstrap", "20"]) == 0
    assert f"{slow_metrics(*entries)['top5']:.4f}" in capsys.readouterr().out


def put(folder: Path, **contents: object) -> list[Path]:
    for name, content in contents.items():
        (folder / name).write_bytes(orjson.dumps(content))
    return [folder / name for name in contents]


@pytest.mark.parametrize("field", ["query_image_id", "gallery_image_id"])
def test_results_of_another_split_are_refused(tmp_path: Path, field: str) -> None:
    entries = case(2, user_images=12, shop_images=12)
    first = next(index for index, entry in enumerate(entries.results) if entry["gallery_image_id"])

    def shifted(by: int, results: list[dict]) -> list[dict]:
        moved = {"query_image_id": lambda entry: entry[field] + by}
        moved["gallery_image_id"] = lambda entry: [image + by for image in entry[field]]
        return [entry | {field: moved[field](entry)} for entry in results]

    other = shifted(70_000, entries.results)
    files = put(tmp_path, queries=entries.queries, gallery=entries.gallery, results=other)
    with pytest.raises(UserError, match=rf"results: entry \d+ has {field} 7\d+, which .* is it of another split"):
        evaluate_files(*files)
    one = [*entries.results[:first], *shifted(70_000, entries.results[first : first + 1])]
    files = put(tmp_path, split=as_split(entries), results=one)
    with pytest.raises(UserError, match=rf"results: entry {first} has {field} 7\d+, which .*split does not list; is"):
        evaluate_split(*files)
