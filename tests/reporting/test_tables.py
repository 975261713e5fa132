"""The report's tables hold the paper's numbers, the runs' own, and say where they differ."""

from pathlib import Path

import pytest

from matchrcnn.errors import UserError
from matchrcnn.files import read_json, write_json, write_text
from matchrcnn.project import Project, Run
from matchrcnn.reporting.pages.benchmarks import benchmarks_markdown
from matchrcnn.reporting.pages.errors import cost_table, definition_lines
from matchrcnn.reporting.published import PUBLISHED, published
from matchrcnn.reporting.tables.benchmark import (
    accuracy_subset_table,
    accuracy_table,
    category_table,
    precision_table,
    query_table,
)
from matchrcnn.reporting.tables.table import DASH, Table, to_markdown
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import SCORES, TASKS, Task
from tests.support import contract_files

GITHUB_COMMENT = 65_536
"""Characters that a comment may have."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    contract_files.write_pipeline(path, images=6)
    return path


def _run(folder: Path, name: str) -> Run:
    return contract_files.project(folder).run(name)


def _group(table: Table, start: str) -> dict[str, list[list[str]]]:
    group = next(group for group in table.groups if group.label.startswith(start))
    return {row.metric: [[part.text for part in cell] for cell in row.cells] for row in group.rows}


def test_columns_are_those_of_the_published_file() -> None:
    assert list(COLUMNS) == PUBLISHED["columns"]


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_published_rows_are_cell_for_cell_those_of_the_file(folder: Path, task: str) -> None:
    table = precision_table(TASKS[task], [_run(folder, task)])
    for metric, numbers in PUBLISHED[task]["full_data"].items():
        assert _group(table, "Published, full data")[metric] == [[f"{number:.3f}"] for number in numbers]
    released = _group(table, "Published, released")
    assert released["AP50"][-1] == [f"{PUBLISHED[task]['released']['AP50']:.3f}"]
    assert all(cell == [DASH] for cell in released["AP50"][:-1])


def test_a_landmark_cell_holds_both_ground_truths(folder: Path) -> None:
    rows = _group(precision_table(TASKS["landmarks"], [_run(folder, "landmarks")]), "Published, full data")
    table = PUBLISHED["landmarks"]["full_data"]
    expected = zip(table["landmarks_visible"]["AP75"], table["landmarks_visible_and_occluded"]["AP75"], strict=True)
    assert rows["AP75"] == [[f"{a:.3f}", f"{b:.3f}"] for a, b in expected]


def test_published_rows_come_first_and_the_released_data_before_all(folder: Path) -> None:
    table = precision_table(TASKS["detection"], [_run(folder, "detection")])
    assert [group.kind for group in table.groups] == ["published", "published", "run", "count"]
    assert "191,961" in table.groups[0].label
    assert "never released" in table.groups[1].label


def test_a_run_s_cells_are_its_metrics_rounded(folder: Path) -> None:
    run = _run(folder, "detection")
    metrics = read_json(run.reports / "metrics.json")["box"]
    rows = _group(precision_table(TASKS["detection"], [run]), "detection")
    assert rows["AP"][-1] == [f"{metrics['overall']['AP']:.3f}"]
    assert rows["AP75"][4] == [f"{metrics['occlusion']['medium']['AP75']:.3f}"]


def test_a_difference_is_taken_from_the_released_number_and_else_from_the_full_data(folder: Path) -> None:
    run = _run(folder, "detection")
    row = precision_table(TASKS["detection"], [run]).groups[2].rows[0]
    assert row.cells[-1][0].difference == pytest.approx(run.value("box/overall/AP") - 0.638)
    assert row.cells[3][0].difference == pytest.approx(run.value("box/occlusion/slight/AP") - 0.712)


def test_the_interval_row_stands_under_ap_and_vanishes_without_intervals(folder: Path, tmp_path: Path) -> None:
    run = _run(folder, "segmentation")
    low, high = read_json(run.reports / "intervals.json")["mask"]["overall"]["AP"]
    rows = _group(precision_table(run.task, [run]), "segmentation")
    assert rows["AP, 95%"][-1] == [f"{low:.3f}{DASH}{high:.3f}"]
    contract_files.write_pipeline(tmp_path, images=3, runs={"segmentation": "segmentation"})
    (tmp_path / "reports/segmentation/intervals.json").unlink()
    assert list(_group(precision_table(TASKS["segmentation"], [_run(tmp_path, "segmentation")]), "segmentation")) == [
        "AP",
        "AP50",
        "AP75",
    ]


def test_a_subset_without_ground_truth_is_a_dash(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={"detection": "detection"})
    path = tmp_path / "reports/detection/metrics.json"
    metrics = read_json(path)
    metrics["box"]["viewpoint"]["no_wear"] = None
    write_json(path, metrics)
    cell = precision_table(TASKS["detection"], [_run(tmp_path, "detection")]).groups[2].rows[0].cells[9]
    assert [(part.text, part.difference) for part in cell] == [(DASH, None)]


def test_a_retrieval_run_is_compared_with_its_own_variant(folder: Path) -> None:
    run = _run(folder, "retrieval_pose_class")
    first = accuracy_table(run.task, [run]).groups[-1].rows[0].cells[0][0]
    assert first.difference == pytest.approx(run.value("retrieval/detected_box/overall/top1") - 0.192)
    table = accuracy_subset_table(run.task, SCORES["retrieval/ground_truth_box"], [run])
    last = table.groups[-2].rows[0].cells[-1][0]
    assert last.difference == pytest.approx(run.value("retrieval/ground_truth_box/overall/top20") - 0.665)
    assert _group(table, "Published, full data: mask+class")["top-20"][-1] == ["0.595"]


@pytest.mark.parametrize(("name", "variant", "top_1"), [("outerclass", "pose", 0.182), ("mine", "mask+class", 0.152)])
def test_the_name_of_a_run_does_not_choose_its_variant(tmp_path: Path, name: str, variant: str, top_1: float) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={name: "retrieval"})
    params = contract_files.params({name: "retrieval"}, retrieval={"variant": variant})
    run = Project(tmp_path, given=params).run(name)
    first = accuracy_table(run.task, [run]).groups[-1].rows[0].cells[0][0]
    assert first.difference == pytest.approx(run.value("retrieval/detected_box/overall/top1") - top_1)
    write_text(run.model / "config.yaml", "retrieval: {variant: pose+class}")
    recorded = Project(tmp_path, given=params).run(name)
    first = accuracy_table(run.task, [recorded]).groups[-1].rows[0].cells[0][0]
    assert first.difference == pytest.approx(run.value("retrieval/detected_box/overall/top1") - 0.192)


def test_queries_and_chance_are_printed_with_the_retrieval_numbers(folder: Path) -> None:
    run = _run(folder, "retrieval_pose_class")
    (line,) = (_group(query_table(run.task, [run]), "retrieval_pose_class: detected boxes")[""],)
    first = run.value("retrieval/detected_box/overall/top1")
    assert first is not None
    assert line == [["120"], ["7"], [f"{first:.3f}"], ["0.0123"], [f"{first / 0.0123:.1f}"]]
    table = accuracy_subset_table(run.task, SCORES["retrieval/detected_box"], [run])
    assert _group(table, "Validation queries") == {"": [["120"]] * 15}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_published_numbers_are_of_the_scores_that_a_task_is_judged_by(task: Task) -> None:
    for row in published(task):
        assert {path.rpartition("/overall")[0] for path in row.values if "/overall" in path} <= set(task.keys)
    assert {key for row in published(task) for key in task.keys if f"{key}/overall/{task.headline}" in row.values}


def test_the_category_table_has_a_line_for_each_category_with_its_items(folder: Path) -> None:
    table = category_table(TASKS["detection"], [_run(folder, "detection")])
    assert len(table.groups) == 13
    assert {group.rows[0].metric for group in table.groups} == {"40 items"}


def test_markdown_has_equally_many_cells_in_every_line(folder: Path) -> None:
    lines = to_markdown(precision_table(TASKS["landmarks"], [_run(folder, "landmarks")])).splitlines()
    assert {line.count("|") for line in lines} == {16}


def test_the_same_files_give_the_same_markdown(folder: Path) -> None:
    def text() -> str:
        return benchmarks_markdown([_run(folder, name) for name in contract_files.RUNS], sample=False)

    assert text() == text()
    assert contract_files.PROVENANCE["commit"][:12] not in text()
    assert contract_files.PROVENANCE["hardware"] not in text()


def test_the_head_says_when_the_data_are_the_sample(folder: Path) -> None:
    runs = [_run(folder, "detection")]
    assert "not comparable" in benchmarks_markdown(runs, sample=True).split("##")[0]
    assert "not comparable" not in benchmarks_markdown(runs, sample=False)


def test_eight_runs_fit_a_comment_of_a_pull_request_with_room_to_spare(tmp_path: Path) -> None:
    runs = {task: task for task in ("detection", "segmentation", "landmarks")}
    runs |= {f"retrieval_{v}": "retrieval" for v in ("class", "pose", "mask", "pose_class", "mask_class")}
    contract_files.write_pipeline(tmp_path, images=6, runs=runs)
    found = contract_files.project(tmp_path, runs).runs
    text = benchmarks_markdown(found, sample=True)
    assert all(name in text for name in runs)
    assert len(text) < 40_000 < GITHUB_COMMENT


def test_kinds_of_error_are_listed_with_cost_and_count_and_what_they_mean(folder: Path) -> None:
    runs = [_run(folder, name) for name in ("detection", "segmentation")]
    table = cost_table(runs)
    assert table is not None
    assert [group.label for group in table.groups] == ["detection: box", "segmentation: box", "segmentation: mask"]
    found = runs[0].diagnosis["box"]["overall"]
    cells = _group(table, "detection: box")[""]
    assert cells[0] == [f"{found['AP50']:.3f}"]
    missed = found["errors"]["missed"]
    assert cells[-1] == [f"{missed['cost']:.3f}", f"{missed['count']}"]
    assert "duplicate: what duplicate means" in definition_lines(runs)


def test_the_rule_and_the_counts_are_printed_with_the_numbers(folder: Path) -> None:
    head = benchmarks_markdown([_run(folder, "detection")], sample=False).split("\n## ")[0]
    assert "`subset_images`" in head
    assert "9 images, 40 items" in head
    assert "1,000 bootstrap resamples" in head


def test_runs_scored_by_different_rules_are_told_apart(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={"detection": "detection", "segmentation": "segmentation"})
    path = tmp_path / "reports/segmentation/protocol.json"
    write_json(path, read_json(path) | {"subset_rule": "all_images"})
    text = benchmarks_markdown([_run(tmp_path, name) for name in ("detection", "segmentation")], sample=False)
    assert "detection: Subset rule `subset_images`" in text
    assert "segmentation: Subset rule `all_images`" in text


def test_a_run_without_metrics_is_the_user_s_to_mend(folder: Path) -> None:
    with pytest.raises(UserError, match=r"missing/metrics\.json"):
        benchmarks_markdown(contract_files.project(folder, {"missing": "detection"}).runs, sample=False)


def test_the_published_file_parses_to_known_keys() -> None:
    assert set(PUBLISHED["best_known"]) == set(TASKS)
    assert all(set(entry) >= {"by"} and len(entry) == 2 for entry in PUBLISHED["best_known"].values())
