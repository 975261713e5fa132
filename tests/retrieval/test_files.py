from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from matchrcnn.errors import UserError
from matchrcnn.retrieval.files import (
    read_gallery,
    read_queries,
    read_retrieved,
    write_ground_truth,
    write_retrieved,
)
from tests.support.retrieval_cases import case

QUERY = {"query_image_id": 1, "bbox": [0, 0, 9, 9], "cls": 1, "pair_id": 4, "style": 2}
RESULT = {
    "query_image_id": 1,
    "query_bbox": [0, 1, 2, 3],
    "query_cls": 1,
    "query_score": 0.5,
    "gallery_image_id": [3, 4],
    "gallery_bbox": [[0, 0, 1, 1], [0, 0, 2, 2]],
}


def put(path: Path, value: object) -> Path:
    path.write_bytes(orjson.dumps(value))
    return path


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    results = case(1, user_images=20)[2]
    retrieved = read_retrieved(put(tmp_path / "in.json", results))
    write_retrieved(tmp_path / "out.json", retrieved)
    cut = [entry | {key: entry[key][:20] for key in ("gallery_image_id", "gallery_bbox")} for entry in results]
    assert orjson.loads((tmp_path / "out.json").read_bytes()) == cut
    assert any(len(entry["gallery_bbox"]) > 20 for entry in results)


def test_a_converted_split_gives_both_ground_truth_files(tmp_path: Path) -> None:
    levels = {"scale": 2, "occlusion": 1, "zoom_in": 3, "viewpoint": 2}
    item = {
        "image_id": 7,
        "bbox": [1.5, 2, 10, 20],
        "category_id": 9,
        "pair_id": 5,
        "style": 1,
        "source": "user",
        **levels,
    }
    shop = item | {"image_id": 8, "source": "shop", "style": 0}
    annotations = put(tmp_path / "split.json", {"images": [], "annotations": [item, shop]})
    write_ground_truth(annotations, tmp_path / "query.json", tmp_path / "gallery.json")
    queries, gallery = read_queries(tmp_path / "query.json"), read_gallery(tmp_path / "gallery.json")
    assert (queries.image_ids.tolist(), queries.boxes.tolist()) == ([7], [[1.5, 2, 11.5, 22]])
    assert (queries.categories[0], queries.pair_ids[0], queries.styles[0]) == (9, 5, 1)
    assert np.flatnonzero(queries.columns[0] >> np.arange(13) & 1).tolist() == [1, 3, 8, 10, 12]
    assert (gallery.image_ids.tolist(), gallery.pair_ids.tolist(), gallery.styles.tolist()) == ([8], [5], [0])


@pytest.mark.parametrize(
    ("reader", "content", "told"),
    [
        (read_queries, [QUERY, QUERY | {"cls": 14}], r"\$\[1\]\.cls"),
        (read_queries, [QUERY | {"bbox": [1, 2, 3]}], r"\$\[0\]\.bbox"),
        (read_queries, {"annotations": []}, "not a query ground-truth file"),
        (read_gallery, [QUERY], "gallery_image_id"),
        (read_queries, [QUERY, QUERY | {"bbox": [9, 0, 0, 9]}], r"\[1\].bbox: \[9.0, 0.0, 0.0, 9.0\] has x2 < x1"),
        (read_retrieved, [RESULT | {"query_bbox": [0, 9, 9, 0]}], r"\[0\].query_bbox: .* has x2 < x1 or y2 < y1; x1"),
        (read_retrieved, [RESULT, RESULT | {"gallery_bbox": [[0, 0, 1, 1], [9, 0, 2, 2]]}], r"\[1\].gallery_bbox: "),
        (read_retrieved, [RESULT | {"gallery_bbox": [[0, 0, 1, 1]]}], r"\[0\]\.gallery_bbox: 1 boxes for 2 images"),
        (read_retrieved, [{k: v for k, v in RESULT.items() if k != "query_score"}], "query_score"),
    ],
)
def test_a_wrong_entry_is_named(reader: Callable, content: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told) as error:
        reader(put(tmp_path / "file.json", content))
    assert str(tmp_path / "file.json") in str(error.value)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_retrieved(tmp_path / "absent.json")
    (tmp_path / "cut.json").write_text('[{"query_image')
    with pytest.raises(UserError, match="not valid JSON"):
        read_retrieved(tmp_path / "cut.json")
    with pytest.raises(UserError, match="not a converted annotation file"):
        write_ground_truth(put(tmp_path / "list.json", []), tmp_path / "q", tmp_path / "g")
