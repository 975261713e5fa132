"""The data section shows what the conversion really counted, defects included."""

import json
from pathlib import Path

import pytest
from PIL import Image

from matchrcnn.data.convert import convert
from matchrcnn.project import SPLITS, Project
from matchrcnn.reporting.tables.data import DataReport, PlainTable, data_tables, defect_lists, load_reports

EXAMPLE = Path(__file__).parents[1] / "data_files/example_annotation.json"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataReport]:
    """Reports of two converted splits: one whole image, and in validation a second one that cannot be read."""
    root = tmp_path_factory.mktemp("data")
    for split in ("train", "validation"):
        for kind in ("image", "annos"):
            (root / split / kind).mkdir(parents=True)
        Image.new("RGB", (468, 624)).save(root / split / "image/000001.jpg")
        (root / split / "annos/000001.json").write_text(EXAMPLE.read_text())
    (root / "validation/image/000002.jpg").write_bytes(b"no picture")
    (root / "validation/annos/000002.json").write_text(EXAMPLE.read_text())
    project = Project(root)
    for split in SPLITS:
        convert(root / split, project.annotations(split), project.data_report(split), workers=1)
    return load_reports(project)


def _rows(table: PlainTable) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table.rows}


def test_totals_categories_and_attributes_have_a_column_for_each_split(reports: dict[str, DataReport]) -> None:
    totals, categories, attributes, _ = data_tables(reports)
    assert totals.header == ("", "train", "validation")
    assert _rows(totals)["images"] == ("1", "1")
    items = [item for key, item in json.loads(EXAMPLE.read_text()).items() if key.startswith("item")]
    assert _rows(totals)["items"] == (str(len(items)), str(len(items)))
    assert _rows(categories)["trousers"] == (f"1 ({1 / len(items):.1%})",) * 2
    large = sum(item["zoom_in"] == 3 for item in items)
    assert _rows(attributes)["zoom-in: large"] == (f"{large} ({large / len(items):.1%})",) * 2


def test_defects_are_counted_and_listed_with_file_and_reason(reports: dict[str, DataReport]) -> None:
    defects = data_tables(reports)[-1]
    row = next(row for row in defects.rows if row[0].startswith("unreadable picture"))
    assert row[1:] == ("0", "1")
    listed = {split: table for split, _, table in defect_lists(reports)}
    assert any("000002" in row[0] and row[2] == "unreadable_picture" for row in listed["validation"].rows)


def test_without_reports_there_are_no_tables(tmp_path: Path) -> None:
    assert load_reports(Project(tmp_path)) == {}
    assert data_tables({}) == []
