"""Charts in Markdown: the run's own numbers, folded, few enough lines for a comment."""

import re
from pathlib import Path

import pytest

from matchrcnn.project import Run
from matchrcnn.reporting.charts.mermaid import MARK, POINTS, plots_markdown
from matchrcnn.reporting.pages.benchmarks import benchmarks_markdown
from tests.support import contract_files


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    contract_files.write_pipeline(tmp_path, images=3)
    return contract_files.project(tmp_path).runs


def numbers(line: str) -> list[float]:
    return [float(value) for value in line.split("[")[1].rstrip("]").split(",")]


def test_a_loss_curve_ends_where_the_training_ended(runs: list[Run]) -> None:
    chart = next(text for text in plots_markdown(runs[:1]) if "loss" in text and "xychart" in text)
    training, validation = (numbers(line) for line in chart.splitlines() if line.startswith("  line"))
    assert len(training) == len(validation) == POINTS
    assert training[-1] == pytest.approx(float(runs[0].curves[-1]["total_loss"]), rel=0.01)
    measured = [float(row["val_total_loss"]) for row in runs[0].curves if row["val_total_loss"]]
    assert validation[-1] == pytest.approx(measured[-1], rel=0.01)
    end = float(runs[0].curves[-1]["epoch"])
    assert re.search(rf'x-axis "epoch" \S+ --> {end:.4g}\n', chart)


def test_a_validation_that_says_its_iteration_alone_has_its_place(runs: list[Run]) -> None:
    path = runs[0].reports / "curves.csv"
    whole, lines = next(text for text in plots_markdown(runs[:1]) if "line [" in text), path.read_text().splitlines()
    fields = [line.split(",") for line in lines[1:]]
    apart = [[*row[:6], "", "", ""] for row in fields] + [[row[0], *[""] * 5, *row[6:]] for row in fields if row[6]]
    path.write_text("\n".join([lines[0], *map(",".join, sorted(apart, key=lambda row: int(row[0])))]) + "\n")
    run = runs[0].project.run("detection")
    assert next(text for text in plots_markdown([run]) if "line [" in text) == whole


def test_a_bar_is_the_ap_of_its_category(runs: list[Run]) -> None:
    chart = next(text for text in plots_markdown(runs[:1]) if "bar [" in text)
    names = re.findall(r'"([^"]+)"', next(line for line in chart.splitlines() if "x-axis" in line))
    bars = numbers(next(line for line in chart.splitlines() if line.startswith("  bar")))
    assert len(names) == len(bars)
    values = dict(zip(names, bars, strict=True))
    assert values["SS top"] == pytest.approx(runs[0].value("box/category/short sleeve top/AP"), abs=5e-4)


def test_plots_come_last_and_folded(runs: list[Run]) -> None:
    tables, mark, plots = benchmarks_markdown(runs, sample=False).partition(MARK)
    assert mark
    assert "xychart" not in tables
    assert plots.strip().startswith("<details>")
    assert plots.strip().endswith("</details>")


def test_runs_without_curves_and_categories_have_no_plots(runs: list[Run]) -> None:
    (runs[3].reports / "curves.csv").unlink()
    assert list(plots_markdown(runs[3:])) == []
