"""Charts put numbers where their axes say."""

from pathlib import Path

import pytest

from matchrcnn.files import write_text
from matchrcnn.project import Run
from matchrcnn.reporting.charts.geometry import Point, line_chart
from matchrcnn.reporting.charts.runs import (
    accuracy_chart,
    category_charts,
    loss_charts,
    precision_recall_charts,
    subset_charts,
)
from matchrcnn.tasks import TASKS
from tests.support import contract_files


@pytest.fixture
def run(tmp_path: Path) -> Run:
    contract_files.write_pipeline(tmp_path, images=3, runs={"segmentation": "segmentation"})
    return contract_files.project(tmp_path, {"segmentation": "segmentation"}).run("segmentation")


def _points(path: str) -> list[Point]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in path.removeprefix("M").split("L"))]


def test_a_curve_starts_and_ends_at_its_values_on_the_axes() -> None:
    chart = line_chart("loss", "epoch", {"training": [(0, 4), (10, 1)]})
    (x0, y0), (x1, y1) = _points(chart.lines[0].path)
    x = {tick.label: tick.at for tick in chart.x_ticks}
    y = {tick.label: tick.at for tick in chart.y_ticks}
    assert (x0, y0) == pytest.approx((x["0"], y["4"]), abs=0.1)
    assert (x1, y1) == pytest.approx((x["10"], y["1"]), abs=0.1)
    assert y["4"] < y["0"]


@pytest.mark.parametrize(
    ("end", "labels"),
    [(1, ["0", "0.25", "0.5", "0.75", "1"]), (130, ["0", "50", "100"]), (0.03, ["0", "0.01", "0.02", "0.03"])],
)
def test_ticks_stand_at_round_numbers(end: float, labels: list[str]) -> None:
    chart = line_chart("", "", {"a": [(0, 0), (end, end)]})
    assert [tick.label for tick in chart.x_ticks] == labels


@pytest.mark.parametrize("curves", [{}, {"a": []}, {"a": [(0.0, 0.0)]}])
def test_a_chart_of_nothing_is_drawn_without_an_error(curves: dict[str, list[Point]]) -> None:
    assert line_chart("", "", curves).y_ticks


def test_losses_come_total_first_each_with_its_validation_curve(run: Run) -> None:
    charts = loss_charts(run)
    assert [chart.title for chart in charts] == ["total loss", "loss box reg", "loss cls"]
    training, validation = charts[0].lines
    assert (training.label, training.dashed, len(_points(training.path))) == ("training", False, 50)
    assert (validation.label, validation.dashed, len(_points(validation.path))) == ("validation", True, 5)


def test_a_validation_between_two_logged_iterations_stands_at_its_epoch(run: Run) -> None:
    lines = ["iteration,epoch,lr,total_loss,val_total_loss", "50,0.5,0.1,2,", "75,,,,1.5", "100,1,0.1,1,"]
    write_text(run.reports / "curves.csv", "\n".join(lines) + "\n")
    (chart,) = loss_charts(run)
    at = {tick.label: tick.at for tick in chart.x_ticks}
    ((x, _),) = chart.lines[1].points
    assert x == pytest.approx(at["0.75"], abs=0.1)


def test_losses_that_are_no_numbers_are_left_out(run: Run) -> None:
    write_text(run.reports / "curves.csv", "iteration,epoch,lr,total_loss\n1,0.5,0.1,2\n2,1,0.1,nan\n3,1.5,0.1,\n")
    assert len(_points(loss_charts(run)[0].lines[0].path)) == 1


def test_precision_has_a_chart_for_each_stream_and_a_line_for_each_threshold(run: Run) -> None:
    charts = precision_recall_charts(run)
    assert [chart.title for chart in charts] == ["Precision over recall, box", "Precision over recall, mask"]
    assert [line.label for line in charts[0].lines] == ["IoU 0.50", "IoU 0.75"]


def test_a_dot_stands_inside_its_interval_and_the_published_number_where_it_belongs(run: Run) -> None:
    (chart,) = subset_charts(run)
    scale = {tick.label: tick.at for tick in chart.x_ticks}
    assert [mark.label for mark in chart.marks][:4] == [
        "scale: small",
        "scale: moderate",
        "scale: large",
        "occlusion: slight",
    ]
    for mark in chart.marks:
        assert mark.value is None or (mark.whisker and mark.whisker[0] < mark.value < mark.whisker[1])
    overall = chart.marks[-1]
    assert overall.published == pytest.approx(scale["0"] + 0.640 * (scale["1"] - scale["0"]), abs=0.1)


def test_categories_have_no_published_number(run: Run) -> None:
    (chart,) = category_charts(run)
    assert len(chart.marks) == 13
    assert not chart.published


def test_accuracy_grows_with_k_from_one_to_twenty(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=3, runs={"a": "retrieval", "b": "retrieval"})
    runs = contract_files.project(tmp_path, {"a": "retrieval", "b": "retrieval"}).runs
    chart = accuracy_chart(TASKS["retrieval"], "retrieval/detected_box", runs)
    assert [(line.label, line.dashed) for line in chart.lines] == [
        *(("a", False), ("b", False)),
        ("published pose+class", True),
    ]
    points = _points(chart.lines[0].path)
    assert len(points) == 5
    assert points == sorted(points, key=lambda point: (point[0], -point[1]))
