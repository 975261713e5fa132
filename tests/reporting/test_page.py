"""The page stands alone, shows every run, and trusts nothing that it is given."""

import html.parser
import re
from pathlib import Path
from typing import Any

import pytest

from matchrcnn.config import dump
from matchrcnn.data.marker import FIRST_LINE, README
from matchrcnn.evaluation.errors.kinds import KINDS
from matchrcnn.files import read_json, write_json, write_text
from matchrcnn.project import Project
from matchrcnn.reporting.pages.errors import words
from matchrcnn.reporting.pages.index import write_report
from matchrcnn.reporting.pages.provenance import changes, run_changes
from tests.support import contract_files

DETECTION = {"detection": "detection"}


def make_page(folder: Path, runs: dict[str, str] = contract_files.RUNS, sample: bool = False) -> str:
    images = contract_files.write_pipeline(folder, images=9, runs=runs)
    project = contract_files.project(folder, runs)
    target = project.images("validation")
    target.parent.mkdir(parents=True)
    images.rename(target)
    if sample:
        write_text(project.data / README, FIRST_LINE)
    write_text(project.preset(project.params.preset), dump(project.params))
    for run in project.runs:
        write_text(run.model / "config.yaml", dump(run.settings))
    return again(folder, runs)


def again(folder: Path, runs: dict[str, str] = DETECTION, made: str = "feedbeef", **sections: Any) -> str:  # noqa: ANN401
    """The page, written again from the files as they are now."""
    project = Project(folder, given=contract_files.params(runs, **sections))
    write_report(project, {"made_at_commit": made})
    return project.page.read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    make_page(path)
    return path


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "reports/index.html").read_text()


class _Elements(html.parser.HTMLParser):
    """Collects the attributes of every element, and the elements that were never closed."""

    VOID = frozenset({"meta", "link", "img", "line", "circle", "rect", "path", "input", "br", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_every_element_is_closed(page: str) -> None:
    assert _Elements(page).open == []


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    for tag, attributes in _Elements(page).found:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, (tag, value[:80])
    assert not re.search(r"url\(|@import|https?://", page)


def test_every_link_leads_somewhere(page: str) -> None:
    elements = _Elements(page).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(a.get("href") or "")[1:] for tag, a in elements if tag == "a"} <= set(ids)


def test_every_picture_and_chart_is_described(page: str) -> None:
    elements = _Elements(page).found
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    assert all(a.get("aria-label") or a.get("aria-hidden") for tag, a in elements if tag == "svg")


def test_every_run_has_its_numbers_charts_and_pictures(page: str) -> None:
    for name in contract_files.RUNS:
        assert "Run " + name.replace("_", "_<wbr>") in page
    assert page.count('class="pair"') == 3 * 6
    assert page.count('class="crop query"') >= 1
    for title in ("Subsets, box", "Categories, mask", "Precision over recall", "Total loss", "Top-k accuracy"):
        assert title.lower() in page.lower()


def test_provenance_is_shown_where_it_was_recorded(page: str) -> None:
    assert contract_files.PROVENANCE["commit"][:12] in page
    assert "6 min 12 s" in page
    assert page.count("not recorded on this machine") == 2 * (len(contract_files.RUNS) - 1)
    assert "feedbeef" in page


def test_provenance_of_another_model_is_not_shown(tmp_path: Path) -> None:
    make_page(tmp_path, DETECTION)
    record = tmp_path / ".work/provenance/detection.json"
    write_json(record, read_json(record) | {"model": "0" * 64})
    assert contract_files.PROVENANCE["commit"][:12] not in again(tmp_path)


def test_the_page_stays_small_enough_to_send(page: str) -> None:
    assert len(page) < 2_000_000


def test_text_from_files_is_escaped(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>\"'&"
    make_page(tmp_path, DETECTION)
    protocol = tmp_path / "reports/detection/protocol.json"
    write_json(protocol, read_json(protocol) | {"subset_rule": nasty})
    coco = tmp_path / "data/coco/validation.json"
    content = read_json(coco)
    (tmp_path / "data/sample/validation/image/000001.jpg").rename(tmp_path / "data/sample/validation/image/<b>&.jpg")
    content["images"][0]["file_name"] = "<b>&.jpg"
    write_json(coco, content)
    defects = tmp_path / "reports/data/train.json"
    report = read_json(defects)
    report["defect_list"][0]["reason"] = nasty
    write_json(defects, report)
    text = again(tmp_path, made=nasty, report={"gallery_images": 27})
    assert "<script>alert" not in text
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;.jpg" in text


def test_errors_are_named_with_their_definitions_and_the_confusion_with_its_rule(page: str) -> None:
    diagnosed = page.split('id="run-detection"')[1].split('id="run-segmentation"')[0]
    for kind in map(words, KINDS):
        assert f"<dt>{kind}</dt>" in diagnosed
    assert "Rule: score &gt;= 0.5, IoU &gt;= 0.5" in diagnosed
    assert diagnosed.count('class="confusion"') == 1
    assert page.count('class="landmarks"') == 1
    assert page.split('class="strip"')[1].count("<i ") == 25


def test_the_page_of_sample_data_says_so_in_its_head(tmp_path: Path, page: str) -> None:
    assert "not comparable" in make_page(tmp_path, DETECTION, sample=True).split("<main>")[0]
    assert "not comparable" not in page


def test_runs_without_optional_files_still_give_a_page(tmp_path: Path) -> None:
    make_page(tmp_path, DETECTION)
    for path in ("curves.csv", "precision_recall.csv", "intervals.json", "diagnosis.json"):
        (tmp_path / "reports/detection" / path).unlink()
    for path in ("data/coco/validation.json", "reports/data/train.json", "reports/data/validation.json"):
        (tmp_path / path).unlink()
    (tmp_path / "pipelines/sample.yaml").unlink()
    assert "is not at hand" in again(tmp_path)


def test_the_same_files_give_the_same_benchmarks_and_page(folder: Path, page: str) -> None:
    before = (folder / "reports/benchmarks.md").read_bytes()
    assert again(folder, contract_files.RUNS) == page
    assert (folder / "reports/benchmarks.md").read_bytes() == before


def test_changed_parameters_are_listed_with_both_values() -> None:
    before = contract_files.params(DETECTION)
    after = contract_files.params(
        DETECTION, seed=before.seed + 1, data=contract_files.data("DeepFashion2") | {"root": "/photos"}
    )
    assert changes(before, before) == []
    assert changes(before, after) == [
        ("data.root", "data/sample", "/photos"),
        ("seed", str(before.seed), str(before.seed + 1)),
    ]


def test_a_run_is_compared_with_the_preset_by_what_its_model_was_made_from(tmp_path: Path) -> None:
    preset = contract_files.params(DETECTION)
    project = contract_files.project(tmp_path, DETECTION | {"wide": "detection"})
    trained = project.run("wide").settings
    model = trained.model.model_copy(update={"box_fc": 256})
    write_text(tmp_path / "models/wide/config.yaml", dump(trained.model_copy(update={"model": model})))
    assert run_changes(preset, project.run("wide")) == [("model.box_fc", str(preset.model.box_fc), "256")]
    assert run_changes(preset, project.run("detection")) is None


def test_of_many_runs_of_a_task_the_best_one_is_unfolded(tmp_path: Path) -> None:
    names = ("retrieval_class", "retrieval_pose", "retrieval_mask")
    page = make_page(tmp_path, dict.fromkeys(names, "retrieval"))
    accuracy = {n: read_json(tmp_path / "reports" / n / "metrics.json")["retrieval"]["detected_box"] for n in names}
    best = max(names, key=lambda name: accuracy[name]["overall"]["top20"])
    assert re.findall(r'<details class="run" id="run-(\w+)" open>', page) == [best]
