"""Numbers of data other than DeepFashion2 are never set against the published ones; those of DeepFashion2 are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matchrcnn.data.marker import FIRST_LINE, README
from matchrcnn.files import write_json, write_text
from matchrcnn.project import Run
from matchrcnn.reporting.charts.runs import accuracy_chart, subset_charts
from matchrcnn.reporting.pages.benchmarks import PUBLISHED_APART, benchmarks_markdown, overview_markdown
from matchrcnn.reporting.pages.card import write_cards
from matchrcnn.reporting.published import PUBLISHED, comparable, compared, other_data
from matchrcnn.reporting.tables.benchmark import COMPARED, published_tables, task_tables
from matchrcnn.reporting.tables.table import Part, Table
from matchrcnn.tasks import TASKS, Task
from tests.reporting.test_card import TRAINING
from tests.reporting.test_page import again, make_page
from tests.support import contract_files

OTHER = [None, "Street photos", "sample data"]
"""Names of data sets that are not DeepFashion2; None: the folder's name."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    contract_files.write_pipeline(path, images=6)
    return path


def runs_on(folder: Path, name: str | None) -> list[Run]:
    return contract_files.project(folder, data_name=name).runs


def parts(tables: list[Table]) -> Iterator[Part]:
    return (p for table in tables for group in table.groups for row in group.rows for cell in row.cells for p in cell)


def tables_of(runs: list[Run]) -> list[Table]:
    return [table for run in runs for table in task_tables(run.task, [run])]


@pytest.mark.parametrize(("name", "other"), [("DeepFashion2", None), ("deep fashion-2", None), (None, "sample")])
def test_only_deepfashion2_by_any_spelling_is_compared(folder: Path, name: str | None, other: str | None) -> None:
    runs = runs_on(folder, name)
    assert {other_data(run) for run in runs} == {other}
    assert compared(runs) == (other is None) == all(map(comparable, runs))


def test_sample_data_are_not_compared_whatever_name_is_given(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3)
    write_text(tmp_path / "data/sample" / README, FIRST_LINE)
    assert not compared(runs_on(tmp_path, "DeepFashion2"))


def test_a_model_trained_on_other_data_is_not_compared_and_its_neighbours_are(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3)
    write_json(tmp_path / "models/detection/training.json", TRAINING | {"data": "sample data"})
    runs = runs_on(tmp_path, "DeepFashion2")
    assert [other_data(run) for run in runs] == ["sample data", None, None, None]
    published = [line.split("|")[6].strip() for line in overview_markdown(runs).splitlines()[2:]]
    assert published[:2] == ["\N{EN DASH}", "0.640"]
    assert not any(part.hint for part in parts(task_tables(TASKS["detection"], runs[:1])))


@pytest.mark.parametrize("name", OTHER)
def test_tables_of_other_data_have_no_published_row_and_no_difference(folder: Path, name: str | None) -> None:
    tables = tables_of(runs_on(folder, name))
    assert "published" not in {group.kind for table in tables for group in table.groups}
    assert not any(part.hint or part.difference is not None for part in parts(tables))
    assert not any(COMPARED in table.note for table in tables)
    known = tables_of(runs_on(folder, "DeepFashion2"))
    assert sum(group.kind == "published" for table in known for group in table.groups) > 10
    assert any(part.hint for part in parts(known))
    assert any(COMPARED in table.note for table in known)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_tables_apart_hold_the_published_rows_and_nothing_else(folder: Path, task: Task) -> None:
    run = next(run for run in runs_on(folder, "DeepFashion2") if run.task is task)
    beside = [group for table in task_tables(task, [run]) for group in table.groups if group.kind == "published"]
    assert [group for table in published_tables(task) for group in table.groups] == beside


@pytest.mark.parametrize("name", OTHER)
def test_charts_of_other_data_have_no_published_mark_and_no_curve(folder: Path, name: str | None) -> None:
    def marks(runs: list[Run]) -> list[bool]:
        return [chart.published for run in runs for chart in subset_charts(run)]

    def labels(runs: list[Run]) -> list[str]:
        return [line.label for line in accuracy_chart(TASKS["retrieval"], "retrieval/detected_box", runs).lines]

    runs, known = runs_on(folder, name), runs_on(folder, "DeepFashion2")
    assert not any(marks(runs))
    assert all(marks(known))
    assert not any(mark.published for run in runs for chart in subset_charts(run) for mark in chart.marks)
    assert not any("published" in mark.text for run in runs for chart in subset_charts(run) for mark in chart.marks)
    assert labels(runs[3:]) == ["retrieval_pose_class"]
    assert labels(known[3:]) == ["retrieval_pose_class", "published pose+class"]


@pytest.mark.parametrize("name", OTHER)
def test_markdown_of_other_data_folds_the_published_rows_at_a_task_s_end(folder: Path, name: str | None) -> None:
    text = benchmarks_markdown(runs_on(folder, name), sample=name == "sample data")
    overview, *tasks = text.partition("## What costs the AP")[0].split("\n## ")
    assert "| published |" not in overview
    assert f"{PUBLISHED['detection']['released']['AP']:.3f}" not in overview
    for section in tasks:
        own, fold, apart = section.partition(f"<details><summary>{PUBLISHED_APART}</summary>")
        assert fold
        assert "ublished" not in own
        assert "Best known" not in own
        assert apart.strip().endswith("</details>")
        assert apart.count("</details>") == 1
        assert "Best known on validation" in apart
    assert f"{PUBLISHED['detection']['released']['AP']:.3f}" in tasks[0]


def test_markdown_of_deepfashion2_has_the_published_rows_in_its_tables(folder: Path) -> None:
    text = benchmarks_markdown(runs_on(folder, "DeepFashion2"), sample=False)
    assert "| interval | published |" in text
    assert PUBLISHED_APART not in text
    assert "Other data" not in text


def test_the_head_names_other_data_and_what_to_set(folder: Path) -> None:
    head = benchmarks_markdown(runs_on(folder, "Street photos"), sample=False).partition("| task |")[0]
    assert "The data are Street photos, not DeepFashion2" in head
    assert "set data.name to DeepFashion2" in head
    assert "Other data" not in benchmarks_markdown(runs_on(folder, None), sample=True)


PAGE = {"detection": "detection", "retrieval_pose_class": "retrieval"}


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page")
    make_page(path, PAGE)
    return path


def test_the_page_of_other_data_shows_published_numbers_only_folded(paged: Path) -> None:
    text = again(paged, PAGE, data=contract_files.data("Street photos"))
    body = text.split("</style>")[1].split("<script>")[0]
    folds = body.split(f"<summary>{PUBLISHED_APART}</summary>")
    assert len(folds) == 3
    shown = folds[0] + "".join(fold.partition("</details>")[2] for fold in folds[1:])
    assert "Match R-CNN on Street photos" in shown
    assert "The data are Street photos, not DeepFashion2" in shown
    shown = shown.replace("not compared with the published ones", "")
    for trace in ("ublished", "diamond", 'class="other"', 'class="mark"'):
        assert trace not in shown
    assert 'class="legend"' not in body


def test_the_page_of_deepfashion2_shows_them_next_to_the_runs(paged: Path) -> None:
    text = again(paged, PAGE)
    assert PUBLISHED_APART not in text
    for trace in ("published 0.638", "from the published", 'class="mark"', 'class="diamond"', 'class="other"'):
        assert trace in text
    assert "Match R-CNN on DeepFashion2" in text
    assert 'class="legend"' in text


@pytest.mark.parametrize(("name", "expected"), [("DeepFashion2", True), ("Street photos", False), (None, False)])
def test_a_card_has_a_published_column_only_on_deepfashion2(tmp_path: Path, name: str | None, expected: bool) -> None:
    contract_files.write_pipeline(tmp_path, images=3)
    for run in contract_files.RUNS:
        write_json(tmp_path / "models" / run / "training.json", TRAINING)
    for path in write_cards(runs_on(tmp_path, name)):
        text = path.read_text()
        assert ("published" in text) == ("the paper's" in text) == expected
