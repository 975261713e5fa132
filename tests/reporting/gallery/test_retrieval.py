"""Rows of a retrieval gallery show the query that stands, its results in order, and which of them are hits."""

from pathlib import Path

import pytest

from matchrcnn.files import read_json, write_json
from matchrcnn.project import Project
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.reporting.gallery.retrieval import RetrievalGallery
from tests.support.galleries import write_project

NAME = "retrieval_class"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("project"), 90, {NAME: "retrieval"})


def _gallery(project: Project, count: int = 300) -> RetrievalGallery | None:
    return Galleries(project).retrieved(project.run(NAME), count)


def test_hits_are_boxes_of_the_query_s_identity_and_the_first_decides_the_quality(project: Project) -> None:
    gallery = _gallery(project)
    assert gallery is not None
    items = read_json(project.annotations("validation"))["annotations"]
    for row in gallery.pictures:
        query, shown = row.query, row.crops
        identities = [
            (a["pair_id"], a["style"]) for a in items if f"{a['image_id']:06d}.jpg" == query.name and a["style"]
        ]
        wanted = row.wanted
        assert wanted is not None
        assert {(a["pair_id"], a["style"]) for a in items if f"{a['image_id']:06d}.jpg" == wanted.name} & set(
            identities
        )
        for crop in shown:
            held = {(a["pair_id"], a["style"]) for a in items if f"{a['image_id']:06d}.jpg" == crop.name}
            assert not crop.hit or held & set(identities)
        hits = [rank for rank, crop in enumerate(shown) if crop.hit]
        if hits:
            assert row.quality == 1 / (1 + hits[0])
            assert row.errors == (f"first hit: {hits[0] + 1}",)
        else:
            assert row.quality <= 1 / 9
    assert {bool(crop.hit) for row in gallery.pictures for crop in row.crops} == {True, False}


def test_best_queries_come_before_worst_and_each_comes_once(project: Project) -> None:
    gallery = _gallery(project, 9)
    assert gallery is not None
    qualities = {pick: [r.quality for r in gallery.pictures if r.pick == pick] for pick in ("best", "worst", "random")}
    assert [len(some) for some in qualities.values()] == [3, 3, 3]
    assert min(qualities["best"]) >= max(qualities["worst"])
    assert len({(row.query.picture.tobytes(), row.categories) for row in gallery.pictures}) == 9


def test_the_same_seed_gives_the_same_rows(project: Project) -> None:
    assert _gallery(project, 9) == _gallery(project, 9)


def test_without_results_there_is_no_gallery(tmp_path: Path) -> None:
    project = write_project(tmp_path, 6, {NAME: "retrieval"})
    results = project.run(NAME).result_file("retrieval")
    write_json(results, [])
    assert _gallery(project) is None
    assert Galleries(project).detected(project.run(NAME), 6) is None
    results.unlink()
    assert _gallery(project) is None
