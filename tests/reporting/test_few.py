"""A number with few items behind it is grey in the page, never shaded, and no card calls it weak."""

from pathlib import Path

import pytest

from matchrcnn.files import read_json, write_json
from matchrcnn.project import Project, Run
from matchrcnn.reporting.pages.card import write_cards
from matchrcnn.reporting.pages.errors import diagnoses
from matchrcnn.reporting.tables.benchmark import accuracy_subset_table, category_table, precision_table
from matchrcnn.reporting.tables.few import EXPLAINED, few_behind
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import SCORES
from tests.reporting.test_card import TRAINING
from tests.reporting.test_page import again, make_page
from tests.support import contract_files

RUNS = {"detection": "detection", "retrieval_class": "retrieval"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    make_page(tmp_path, RUNS)
    return contract_files.project(tmp_path, RUNS)


def set_items(run: Run, column: str, items: int) -> None:
    """State another number of items of one cell of boxes."""
    path, value = run.reports / "protocol.json", read_json(run.reports / "protocol.json")
    *folders, last = column.split("/")
    place = value["counts"]["box"]
    for name in folders:
        place = place.setdefault(name, {})
    place[last] = {"images": 9, "items": items}
    write_json(path, value)


@pytest.mark.parametrize(
    ("column", "items", "behind"),
    [
        ("occlusion/heavy", 29, "29 items"),
        ("occlusion/heavy", 30, ""),
        ("overall", 1, "1 item"),
        ("category/skirt", 9, "9 items"),
        ("category/skirt", 10, ""),
    ],
)
def test_a_category_needs_fewer_items_than_a_mean_over_categories(
    project: Project, column: str, items: int, behind: str
) -> None:
    set_items(project.run("detection"), column, items)
    assert few_behind(project.run("detection"), f"box/{column}/AP") == behind


def test_a_number_of_few_items_is_not_judged(project: Project) -> None:
    set_items(project.run("detection"), "occlusion/slight", 5)
    run = project.run("detection")
    group = next(group for group in precision_table(run.task, [run]).groups if group.kind == "run")
    (few,), (many,) = group.rows[0].cells[3], group.rows[0].cells[4]
    assert (few.text, few.difference, few.hint) == (f"{run.value('box/occlusion/slight/AP'):.3f}", None, "5 items")
    assert few.few
    assert many.difference is not None
    assert not many.few


def test_a_share_of_two_queries_is_few(project: Project) -> None:
    path = project.run("retrieval_class").reports / "metrics.json"
    value = read_json(path)
    value["retrieval"]["detected_box"]["scale"]["small"]["queries"] = 2
    write_json(path, value)
    run = project.run("retrieval_class")
    group = accuracy_subset_table(run.task, SCORES["retrieval/detected_box"], [run]).groups[-2]
    assert [part.hint for cell in group.rows[0].cells[:2] for part in cell if part.few] == ["2 queries"]


def test_the_cost_of_errors_of_few_items_is_not_judged(project: Project) -> None:
    set_items(project.run("detection"), "scale/small", 4)
    first = next(iter(diagnoses(project.run("detection"))))
    few, many = (first.subsets.groups[1].rows[0].cells[place][0] for place in (0, 1))
    assert (few.difference, few.hint, few.few) == (None, "4 items", True)
    assert many.difference is not None


def test_the_page_says_what_grey_means_only_where_something_is(project: Project) -> None:
    assert 'class="grey"' not in again(project.root, RUNS)
    set_items(project.run("detection"), "scale/large", 3)
    page = again(project.root, RUNS)
    assert EXPLAINED in page
    assert 'class="grey" title="3 items"' in page


def test_a_category_of_few_items_is_grey_and_not_weak(project: Project) -> None:
    run = project.run("detection")
    metrics = read_json(run.reports / "metrics.json")
    metrics["box"]["category"]["skirt"]["AP"] = 0.0
    write_json(run.reports / "metrics.json", metrics)
    write_json(run.model / "training.json", TRAINING)
    assert "skirt (0.000)" in card(project)
    set_items(run, "category/skirt", 2)
    assert "skirt" not in card(project)
    group = next(
        group for group in category_table(run.task, [project.run("detection")]).groups if group.label == "skirt"
    )
    assert [part.few for cell in group.rows[0].cells for part in cell] == [True, True, True]


def test_a_card_says_where_all_subsets_have_too_few_queries(project: Project) -> None:
    run = project.run("retrieval_class")
    metrics = read_json(run.reports / "metrics.json")
    for column in COLUMNS[:-1]:
        attribute, level = column.split("/")
        metrics["retrieval"]["detected_box"][attribute][level]["queries"] = 19
    write_json(run.reports / "metrics.json", metrics)
    write_json(run.model / "training.json", TRAINING)
    (path,) = write_cards([project.run("retrieval_class")])
    assert "Weakest subsets, detected boxes top-20: all have too few items or queries to tell." in path.read_text()


def card(project: Project) -> str:
    """The card of the detection run."""
    (path,) = write_cards([project.run("detection")])
    return path.read_text()
