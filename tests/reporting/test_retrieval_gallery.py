"""Rows of a retrieval gallery show the query that stands, its results in order, and which of them are hits."""

from pathlib import Path

import pytest

from matchrcnn.files import read_json, write_json
from matchrcnn.reporting.gallery.retrieval import RetrievalGallery, build_retrieval_gallery
from tests.support import contract_files

NAME = "retrieval_class"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    contract_files.write_pipeline(path, images=90, runs={NAME: "retrieval"})
    return path


def _gallery(folder: Path, count: int = 300, seed: int = 0) -> RetrievalGallery | None:
    run = contract_files.project(folder, {NAME: "retrieval"}).run(NAME)
    return build_retrieval_gallery(run, folder / "data/coco/validation.json", folder / "images", count, seed)


def test_hits_are_boxes_of_the_query_s_identity_and_the_first_decides_the_quality(folder: Path) -> None:
    gallery = _gallery(folder)
    assert gallery is not None
    items = read_json(folder / "data/coco/validation.json")["annotations"]
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


def test_best_queries_come_before_worst_and_each_comes_once(folder: Path) -> None:
    gallery = _gallery(folder, 9)
    assert gallery is not None
    qualities = {pick: [r.quality for r in gallery.pictures if r.pick == pick] for pick in ("best", "worst", "random")}
    assert [len(some) for some in qualities.values()] == [3, 3, 3]
    assert min(qualities["best"]) >= max(qualities["worst"])
    assert len({(row.query.picture, row.categories) for row in gallery.pictures}) == 9


def test_the_same_seed_gives_the_same_rows(folder: Path) -> None:
    assert _gallery(folder, 9, seed=4) == _gallery(folder, 9, seed=4)


def test_without_results_there_is_no_gallery(tmp_path: Path) -> None:
    contract_files.write_pipeline(tmp_path, images=6, runs={NAME: "retrieval"})
    results = tmp_path / "results" / NAME / "retrieval.json"
    write_json(results, [])
    assert _gallery(tmp_path) is None
    results.unlink()
    assert _gallery(tmp_path) is None
