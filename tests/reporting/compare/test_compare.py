"""`matchrcnn compare`: what differs, by how much, and what of it is more than chance."""

import html.parser
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from matchrcnn.cli import main
from matchrcnn.files import read_json
from matchrcnn.reporting.compare.differences import differences
from matchrcnn.reporting.compare.tables import BETTER, WORSE, compare_versions
from matchrcnn.reporting.compare.versions import Version, opened


def both(*names: object) -> list[Version]:
    with opened([str(name) for name in names]) as versions:
        return versions


def test_values_are_those_of_both_and_intervals_those_of_the_paired_resamples(projects: tuple[Path, Path]) -> None:
    found = {one.run: one for one in differences(*both(*projects))}["detection"]
    first, second = (read_json(folder / "reports/detection/metrics.json")["box"] for folder in projects)
    arrays = [np.load(folder / "reports/detection/resamples.npz")["box/samples"] for folder in projects]
    spread = (arrays[1][:, 12, 0] - arrays[0][:, 12, 0]).std(ddof=1)
    overall = found.numbers["overall/AP"]
    assert (overall.first, overall.second) == (first["overall"]["AP"], second["overall"]["AP"])
    assert overall.interval is not None
    low, high = overall.interval
    assert (low + high) / 2 == pytest.approx(second["overall"]["AP"] - first["overall"]["AP"])
    assert (high - low) / 2 == pytest.approx(1.96 * spread, rel=0.15)
    assert low <= overall.value <= high
    assert set(found.numbers) >= {"scale/small/AP75", "viewpoint/frontal/AR", "category/vest/AP"} - {"category/vest/AP"}


def test_a_ruined_run_is_worse_and_an_untouched_one_the_same(projects: tuple[Path, Path]) -> None:
    ruined = compare_versions(*both(*projects))
    assert re.fullmatch(
        r"Worse: detection: box \(.0\.\d{3}\)\. Within chance: second: box \(0\.000\)\.", ruined.summary
    )
    mended = compare_versions(*both(*reversed(projects)))
    assert mended.summary.startswith("Better: detection: box (+0.")
    marks = {part.text[-1] for row in ruined.tables[0].groups[1].rows for part in row.cells[2]}
    assert marks == {WORSE}
    assert BETTER in mended.tables[0].groups[1].rows[0].cells[2][0].text
    assert "From the same result file, bit for bit: second: box." in ruined.notes


def test_nothing_differs_between_a_version_and_itself(projects: tuple[Path, Path]) -> None:
    found = compare_versions(*both(projects[0], projects[0]))
    assert found.summary == "The same results in every run: no number differs."
    assert found.params_note == "No parameter differs."
    assert found.params is None


def test_runs_stand_in_the_order_of_the_parameters(projects: tuple[Path, Path]) -> None:
    assert [one.run for one in differences(*both(*projects))] == ["second", "detection"]


def test_parameters_that_differ_are_shown_with_the_numbers(projects: tuple[Path, Path]) -> None:
    found = compare_versions(*both(*projects)).params
    assert found
    assert found.rows == (("runs.detection.training.base_lr", "0.001", "0.004"),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"split": 1}, "scored on other validation data"),
        ({"subset_rule": "all_images"}, "scored by another subset rule"),
        ({"ruined": 0.2, "bootstrap": {"resamples": 10}}, "number of resamples"),
    ],
)
def test_what_cannot_be_paired_has_no_interval_and_says_why(
    tmp_path: Path,
    evaluate,  # noqa: ANN001
    changes: dict,
    reason: str,
) -> None:
    evaluate(tmp_path / "a", "detection")
    evaluate(tmp_path / "b", "detection", **changes)
    found = compare_versions(*both(tmp_path / "a", tmp_path / "b"))
    assert any(reason in note for note in found.notes)
    assert found.summary.startswith("Not judged: detection: box")
    assert not any(mark in str(found.tables) for mark in (BETTER, WORSE))


def test_lost_resamples_leave_the_values(projects: tuple[Path, Path]) -> None:
    (projects[1] / "reports/detection/resamples.npz").unlink()
    found = compare_versions(*both(*projects))
    assert "Not judged: detection: box" in found.summary
    assert any("resamples.npz" in note and "evaluate the run again" in note for note in found.notes)
    assert found.tables[0].groups[1].rows[0].cells[2][0].text.startswith("\N{MINUS SIGN}0.")


def test_two_runs_are_compared_whatever_their_names(projects: tuple[Path, Path], capsys) -> None:  # noqa: ANN001
    folder = projects[1]
    for names in (
        (f"{folder}:second", f"{folder}:detection"),
        (f"{folder}/reports/second", f"{folder}/reports/detection"),
    ):
        assert main(["compare", *names]) == 0
        text = capsys.readouterr().out
        assert "**second, detection: box**" in text
        assert re.search(r"\| training.base_lr +\| 0.002 +\| 0.004 +\|", text)
        assert "Only in" not in text


def test_runs_of_one_version_only_are_named(projects: tuple[Path, Path]) -> None:
    shutil.rmtree(projects[1] / "reports/second")
    assert "Only in" in " ".join(compare_versions(*both(*projects)).notes)


def test_the_reports_of_an_artifact_alone_are_enough(projects: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(projects[1] / "reports", tmp_path / "unpacked" / "from CI")
    found = compare_versions(*both(projects[0], tmp_path / "unpacked/from CI"))
    assert found.summary.startswith("Worse: detection")
    assert "no params.yaml next to the reports" in found.params_note


def test_several_versions_are_each_compared_with_the_first(projects: tuple[Path, Path], capsys) -> None:  # noqa: ANN001
    assert main(["compare", *map(str, (*projects, projects[0]))]) == 0
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ")]
    assert len(titles) == 2
    assert all(title.endswith(f"compared with {projects[0]}") for title in titles)


class _Page(html.parser.HTMLParser):
    """Tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_markdown_and_html_hold_the_same_numbers_and_escape_all_names(projects: tuple[Path, Path]) -> None:
    page, text = projects[0] / "out/page.html", projects[0] / "out/page.md"
    assert main(["compare", *map(str, projects), "--html", str(page), "-o", str(text)]) == 0
    shown = _Page(page.read_text())
    assert not {"b", "script", "img"} & set(shown.tags)
    assert f"{projects[1]} compared with {projects[0]}" in shown.texts
    assert not re.search(r"https?://|@import|url\(", page.read_text())
    markdown = text.read_text()
    assert "after \\| &lt;b>" in markdown
    for number in re.findall(r"[+\N{MINUS SIGN}]0\.\d{3} [\N{BLACK DOWN-POINTING TRIANGLE}]", markdown):
        assert number in shown.texts


@pytest.mark.parametrize("names", [["nowhere"], ["nowhere", "neither"], ["--html"]])
def test_names_that_stand_for_nothing_are_one_clear_error(names: list[str], capsys) -> None:  # noqa: ANN001
    with pytest.raises(SystemExit) if names == ["--html"] else _nothing():
        assert main(["compare", *names]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert ("two versions or more" in error) or ("nowhere: neither a folder" in error) or ("usage" in error)


class _nothing:  # noqa: N801
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_a_broken_metrics_file_is_named(projects: tuple[Path, Path], capsys) -> None:  # noqa: ANN001
    (projects[1] / "reports/detection/metrics.json").write_text("[1, 2]")
    assert main(["compare", *map(str, projects)]) == 2
    assert "detection/metrics.json: expected a JSON object" in capsys.readouterr().err
