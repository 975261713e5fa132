"""Masks are found in any JSON and compared as pycocotools compares them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle_masks

from matchrcnn.errors import UserError
from matchrcnn.evaluation.coco.ranking import group, rank
from matchrcnn.evaluation.coco.similarity import mask_iou
from matchrcnn.evaluation.readers.ground_truth import read_ground_truth
from matchrcnn.evaluation.readers.json_masks import find_masks
from matchrcnn.evaluation.readers.results import read_results
from matchrcnn.evaluation.readers.rle import Masks, read_runs, shared_pixels
from matchrcnn.files import write_json
from matchrcnn.tasks import MASKS
from matchrcnn.taxonomy import ATTRIBUTES

SIZE = (23, 31)
PIXELS = arrays(np.uint8, SIZE, elements=st.integers(0, 1))


def encode(pixels: np.ndarray) -> bytes:
    return rle_masks.encode(np.asfortranarray(pixels))["counts"]


def runs(counts: bytes) -> np.ndarray:
    text, found = np.frombuffer(counts, np.uint8), np.empty(len(counts), np.int64)
    return found[: read_runs(text, 0, len(text), False, found)]


@given(PIXELS)
@settings(deadline=None)  # the first call compiles
def test_the_runs_of_any_mask_cover_its_pixels(pixels: np.ndarray) -> None:
    assert Masks.join([encode(pixels)]).pixels().tolist() == [pixels.size]
    assert runs(encode(pixels))[1::2].sum() == pixels.sum()


@given(PIXELS, PIXELS)
@settings(deadline=None)
def test_what_two_masks_share_is_counted_from_their_runs(one: np.ndarray, other: np.ndarray) -> None:
    assert shared_pixels(runs(encode(one)), runs(encode(other))) == (one & other).sum()


@given(st.binary(max_size=12))
@settings(deadline=None)
def test_any_text_is_run_lengths_or_is_not(counts: bytes) -> None:
    assert Masks.join([counts]).pixels()[0] >= -1


@given(st.lists(PIXELS, min_size=1, max_size=4), st.sampled_from([None, 1]), st.booleans())
@settings(deadline=None)
def test_masks_are_found_however_they_are_written(masks: list[np.ndarray], indent: int | None, turned: bool) -> None:
    fields = ["counts", "size"] if turned else ["size", "counts"]
    objects = [{"size": list(SIZE), "counts": encode(mask).decode()} for mask in masks]
    texts = [json.dumps({field: one[field] for field in fields}, indent=indent) for one in objects]
    text = np.frombuffer(f"[{', '.join(texts)}]".encode(), np.uint8)
    starts = np.cumsum([1, *(len(one) + 2 for one in texts[:-1])])
    found = find_masks(text, starts)
    assert (found[:, :2] == SIZE).all()
    assert Masks(text, found[:, 2], found[:, 3], escaped=True).pixels().tolist() == [mask.size for mask in masks]


@pytest.mark.parametrize(
    "text",
    [
        '{"size": [2, 3]}',
        '{"counts": "06"}',
        '{"size": [2, 3], "counts": "06", "more": 1}',
        '{"size": [2, 3], "counts": "06", "counts": "06"}',
        '{"size": [2], "counts": "06"}',
        '{"size": [2, 3, 4], "counts": "06"}',
        '{"size" [2, 3], "counts": "06"}',
        '{"size", [2, 3], "counts": "06"}',
        '{"size": [2, 3], "counts"; "06"}',
        '{"size": [2, 3], "counts": "06",}',
        '{"size": [2, 3],\v"counts": "06"}',
        '{"size": [2.0, 3], "counts": "06"}',
        '{"size": [2, 3], "counts": [0, 6]}',
        r'{"size": [2, 3], "counts": "0\u0036"}',
        "[2, 3]",
        "null",
    ],
)
def test_other_objects_are_left_to_a_reader_of_all_of_json(text: str) -> None:
    assert find_masks(np.frombuffer(f"[{text}]".encode(), np.uint8), np.array([1])).tolist() == [[-1] * 4]


def test_iou_of_any_masks_is_that_of_pycocotools(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shapes = [rng.random(SIZE) < share for share in (0, 0.1, 0.5, 0.9, 1)]
    rles = [{"size": list(SIZE), "counts": encode(shape).decode()} for shape in shapes]
    item = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]} | dict.fromkeys(ATTRIBUTES, 1)
    image = {"id": 1, "height": SIZE[0], "width": SIZE[1]}
    truth = {"images": [image], "annotations": [item | {"segmentation": rle} for rle in rles]}
    results = [{"image_id": 1, "category_id": 1, "score": 1, "segmentation": rle} for rle in rles]
    write_json(tmp_path / "truth.json", truth)
    expected = rle_masks.iou(rles, rles, [0] * len(rles))
    for text in (json.dumps(results), escaped(results)):
        (tmp_path / "results.json").write_text(text)
        ground = read_ground_truth(tmp_path / "truth.json")
        found = read_results(tmp_path / "results.json", ground, MASKS)
        ranking = rank(found, ground.num_images, 100)
        assert mask_iou(ground, found, ranking, group(ground, ranking)).reshape(5, 5).tolist() == expected.tolist()


def escaped(results: list[dict]) -> str:
    """The results as JSON, every character of the counts written by its number."""
    text = json.dumps(results)
    for entry in results:
        counts = entry["segmentation"]["counts"]
        spelled = "".join(rf"\u{ord(character):04x}" for character in counts)
        text = text.replace(json.dumps(counts), f'"{spelled}"')
    return text


@pytest.mark.parametrize(
    ("size", "counts", "complaint"),
    [
        ([2, 3], encode(np.ones((2, 3), np.uint8)).decode(), r"has the size \[2, 3\]; its image has \[9, 4\]"),
        ([4, 9], encode(np.ones((4, 9), np.uint8)).decode(), r"has the size \[4, 9\]; its image has \[9, 4\]"),
        ([9, 4], encode(np.ones((2, 3), np.uint8)).decode(), r"covers 6 pixels; its image has 36"),
        ([9, 4], [0, 6], r"covers 6 pixels; its image has 36"),
    ],
)
def test_a_true_mask_of_another_size_is_refused(
    tmp_path: Path, size: list[int], counts: str | list[int], complaint: str
) -> None:
    rle = {"size": size, "counts": counts}
    item = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "segmentation": rle} | dict.fromkeys(ATTRIBUTES, 1)
    write_json(tmp_path / "truth.json", {"images": [{"id": 1, "height": 9, "width": 4}], "annotations": [item]})
    with pytest.raises(UserError, match=r"annotations\[0\].segmentation: " + complaint):
        read_ground_truth(tmp_path / "truth.json").masks(np.array([0]))
