"""A model's card: its own numbers beside the published ones, where it is weak, and the same bytes every time."""

from pathlib import Path

import pytest

from matchrcnn.files import write_json
from matchrcnn.project import Run
from matchrcnn.reporting.pages.card import write_cards
from matchrcnn.reporting.published import PUBLISHED
from matchrcnn.taxonomy import CATEGORY_NAMES
from tests.support import contract_files

TRAINING = {
    "data": "DeepFashion2",
    "train_sha256": "ab" * 32,
    "validation_sha256": "cd" * 32,
    "images": 191961,
    "items": 312186,
    "iterations": 287942,
    "drops": [191962, 263947],
    "digest": "feedbeef",
}


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    contract_files.write_pipeline(tmp_path, images=3)
    for name in contract_files.RUNS:
        write_json(tmp_path / "models" / name / "training.json", TRAINING)
    return contract_files.project(tmp_path).runs


def card_of_data(runs: list[Run], name: str) -> str:
    """The card of the first run, trained on a data set of that name."""
    write_json(runs[0].model / "training.json", TRAINING | {"data": name, "drops": []})
    (path,) = write_cards(runs[0].project.runs[:1])
    return path.read_text()


def test_every_run_has_a_card_of_its_own_numbers_beside_the_published_ones(runs: list[Run]) -> None:
    texts = {path.parent.name: path.read_text() for path in write_cards(runs)}
    assert set(texts) == set(contract_files.RUNS)
    detection = texts["detection"]
    low, high = runs[0].interval("box/overall/AP") or (0, 0)
    cells = ["box AP", f"{runs[0].value('box/overall/AP'):.3f}", f"{low:.3f}\N{EN DASH}{high:.3f}", "0.638"]
    assert cells in [[cell.strip() for cell in line.split("|")[1:-1]] for line in detection.splitlines()]
    assert "287,942 iterations" in detection
    assert "191,962 and 263,947" in detection
    assert "non-commercial research" in detection
    first = f"| {PUBLISHED['retrieval']['released']['retrieval/detected_box']['pose+class'][0]:.3f}"
    assert any("top-1 " in line and first in line for line in texts["retrieval_pose_class"].splitlines())


def test_the_weakest_places_are_the_lowest_numbers(runs: list[Run]) -> None:
    (text,) = (path.read_text() for path in write_cards(runs[:1]))
    values = {name: runs[0].value(f"box/category/{name}/AP") for name in CATEGORY_NAMES}
    first = min((value, name) for name, value in values.items() if value is not None)
    assert f"Weakest categories, box AP: {first[1]} ({first[0]:.3f})" in text


def test_a_card_is_the_same_again_and_says_when_the_data_are_the_sample(runs: list[Run]) -> None:
    text = card_of_data(runs, "sample data")
    assert card_of_data(runs, "sample data") == text
    assert "> **Sample data.**" in text
    assert "nothing of DeepFashion2 is in it" in text


def test_a_model_of_other_data_is_not_said_to_be_of_deepfashion2(runs: list[Run]) -> None:
    text = card_of_data(runs, "Street photos")
    assert "trained on Street photos, schedule 2x" in text
    assert "Street photos" in text.partition("## Licence")[2]
    assert "What is rare in Street photos is not counted" in text
    assert "DeepFashion2" not in text
    assert "paper" not in text
    assert "Sample data" not in text


def test_a_run_without_its_model_keeps_the_card_that_it_has(runs: list[Run]) -> None:
    (runs[0].model / "training.json").unlink()
    (runs[0].reports / "card.md").write_text("from another machine")
    assert runs[0].reports / "card.md" not in write_cards(runs)
    assert (runs[0].reports / "card.md").read_text() == "from another machine"
