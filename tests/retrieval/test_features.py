from pathlib import Path

import numpy as np
import pytest

from matchrcnn.errors import UserError
from matchrcnn.retrieval.features import Features, joined, read_features, retrieve, write_features


def features(count: int, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    return Features(
        image_ids=np.arange(count) + 100 * seed,
        boxes=rng.random((count, 4), np.float32),
        categories=rng.integers(1, 14, count),
        scores=rng.random(count, np.float32),
        vectors=rng.standard_normal((count, 6)).astype(np.float32),
    )


def test_features_come_back_as_they_were_written(tmp_path: Path) -> None:
    whole = joined([Features.empty(6), features(3), features(2, seed=1)])
    write_features(tmp_path / "a", whole)
    write_features(tmp_path / "b", read_features(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_features(tmp_path / "a").image_ids.tolist() == [0, 1, 2, 100, 101]


def test_the_best_gallery_boxes_come_with_their_images() -> None:
    user, shop, weights = features(4), features(50, seed=1), -np.ones(6, np.float32)
    found = retrieve(user, shop, weights)
    distances = ((user.vectors[:, None] - shop.vectors[None]) ** 2).sum(axis=2)
    rows = distances.argsort(axis=1, kind="stable")[:, :20]
    assert np.array_equal(found.gallery_image_ids, shop.image_ids[rows])
    assert np.array_equal(found.gallery_boxes, shop.boxes[rows])
    assert found.counts.tolist() == [20] * 4
    assert np.array_equal(found.categories, user.categories)


def test_a_gallery_of_three_gives_three() -> None:
    found = retrieve(features(2), features(3, seed=1), -np.ones(6, np.float32))
    assert found.counts.tolist() == [3, 3]
    assert sorted(found.gallery_image_ids[0, :3]) == [100, 101, 102]


def test_an_empty_gallery_and_no_detection_give_nothing() -> None:
    assert retrieve(features(2), Features.empty(6), np.ones(6, np.float32)).counts.tolist() == [0, 0]
    assert len(retrieve(Features.empty(6), features(3), np.ones(6, np.float32))) == 0


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no features")
    with pytest.raises(UserError, match="not a file of features"):
        read_features(tmp_path / "text")
    with pytest.raises(UserError, match="no such file"):
        read_features(tmp_path / "absent")
