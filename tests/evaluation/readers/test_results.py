"""Result files are read whole or refused with the entry that is wrong."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from matchrcnn.errors import UserError
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import read_results
from matchrcnn.tasks import BOXES, LANDMARKS, MASKS, Stream
from tests.support import small_split

BOX = '{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3.5, 4], "score": 0.5}'
MASK = '{"image_id": 1, "category_id": 2, "segmentation": {"size": [64, 64], "counts": "PP4"}, "score": 0.5}'


@pytest.fixture
def truth(tmp_path: Path) -> GroundTruth:
    rng = np.random.default_rng(0)
    (tmp_path / "truth.json").write_bytes(orjson.dumps(small_split.with_landmarks(rng, small_split.truth(rng))))
    return read_ground_truth(tmp_path / "truth.json")


def refuse(tmp_path: Path, truth: GroundTruth, text: str, stream: Stream = BOXES) -> str:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_results(path, truth, stream)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_columns_are_what_the_json_holds(tmp_path: Path, truth: GroundTruth) -> None:
    entries = small_split.box_results(np.random.default_rng(3), small_split.truth(np.random.default_rng(0)), 100)
    path = tmp_path / "results.json"
    for option in (0, orjson.OPT_INDENT_2):
        path.write_bytes(
            b"\n " + orjson.dumps([{"id": 7, **entry, "tags": [{"]": '\\"}'}]} for entry in entries], option=option)
        )
        found = read_results(path, truth, BOXES)
        assert found.score.tolist() == [entry["score"] for entry in entries]
        assert (truth.image_ids[found.image]).tolist() == [entry["image_id"] for entry in entries]
        assert (found.category + 1).tolist() == [entry["category_id"] for entry in entries]
        assert found.boxes(np.arange(len(found))).tolist() == [entry["bbox"] for entry in entries]


@pytest.mark.parametrize("written", ["1.0", "1", "1.00", "1.0000000000000000"])
def test_whole_ids_are_integers_however_they_are_written(tmp_path: Path, truth: GroundTruth, written: str) -> None:
    entry = BOX.replace('"image_id": 1', f'"image_id": {written}').replace('"category_id": 2', '"category_id": 10.0')
    (tmp_path / "results.json").write_text(f"[{entry}]")
    found = read_results(tmp_path / "results.json", truth, BOXES)
    assert (truth.image_ids[found.image].tolist(), found.category.tolist()) == ([1], [9])


def test_a_byte_order_mark_is_no_part_of_the_results(tmp_path: Path, truth: GroundTruth) -> None:
    (tmp_path / "results.json").write_text(f"[{BOX}]", encoding="utf-8-sig")
    found = read_results(tmp_path / "results.json", truth, BOXES)
    assert found.boxes(np.array([0])).tolist() == [[1, 2, 3.5, 4]]
    (tmp_path / "results.json").write_text(f"[{BOX}]", encoding="utf-16")
    with pytest.raises(UserError, match=r"results.json: is text in UTF-16; save it in UTF-8"):
        read_results(tmp_path / "results.json", truth, BOXES)


@pytest.mark.parametrize("text", ["[]", " [ ]\n"])
def test_no_results_are_results(tmp_path: Path, truth: GroundTruth, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    assert len(read_results(tmp_path / "results.json", truth, BOXES)) == 0


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (BOX.replace('"image_id": 1', '"image_id": 99'), "image_id 99"),
        (BOX.replace('"image_id": 1', '"image_id": 1.5'), "image_id 1.5; an integer"),
        (BOX.replace('"score"', r'"sc\u006fre"'), "has the key 'score' written with escapes"),
        (BOX.replace('"image_id": 1', '"image_id": true'), "image_id True; an integer"),
        (BOX.replace('"image_id": 1', '"image_id": 123456789012345678901'), "image_id 1234"),
        (BOX.replace('"image_id": 1', '"image_id": 18446744073709551617'), "image_id 1844"),
        (BOX.replace('"category_id": 2', '"category_id": 18446744073709551618'), "category_id 1844"),
        (BOX.replace('"category_id": 2', '"category_id": 14'), "category_id 14; 1 to 13"),
        (BOX.replace("0.5", "NaN"), "holds NaN"),
        (BOX.replace("3.5", "-Infinity"), "holds -Infinity"),
        (BOX.replace("0.5", "1e999"), "score inf"),
        (BOX.replace("0.5", '"0.5"'), "score '0.5'; a number"),
        (BOX.replace(", 4]", "]"), "bbox of 3 numbers"),
        (BOX.replace("3.5", "-3.5"), "must not be negative"),
        (BOX.replace("[1, 2, 3.5, 4]", "null"), "no list of numbers"),
        (BOX.replace("[1, 2, 3.5, 4]", "[1, 2, [3], 4]"), "a list of numbers"),
        (BOX.replace(', "score": 0.5', ""), "lacks score"),
        (BOX.replace('"score": 0.5', '"score": 0.5, "score": 0.9'), "'score' twice"),
        (BOX.replace("0.5", "0.5 0.6"), "not valid JSON"),
        (BOX.replace("1, 2,", "1,\f2,"), "not valid JSON"),
        (BOX + BOX, "followed by '{"),
        ("3", "a JSON object is expected"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, truth: GroundTruth, wrong: str, complaint: str) -> None:
    message = refuse(tmp_path, truth, f"[{BOX}, {BOX},\n{wrong}, {BOX}]")
    assert "entry 2 " in message
    assert complaint in message


@pytest.mark.parametrize("cut", range(1, len(BOX) + 2))
def test_a_file_cut_off_is_refused_wherever_it_breaks(tmp_path: Path, truth: GroundTruth, cut: int) -> None:
    message = refuse(tmp_path, truth, f"[{BOX},{BOX}]"[:-cut])
    assert "entry 1" in message or "entry 2" in message


@pytest.mark.parametrize(
    ("text", "complaint"), [("", "empty"), ("{}", "a JSON list"), ("null", "a JSON list"), ("\x00\x01", "a JSON list")]
)
def test_another_kind_of_file_is_refused(tmp_path: Path, truth: GroundTruth, text: str, complaint: str) -> None:
    assert complaint in refuse(tmp_path, truth, text)


def test_a_missing_file_is_named(tmp_path: Path, truth: GroundTruth) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_results(tmp_path / "none.json", truth, BOXES)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (MASK.replace("[64, 64]", "[64, 32]"), "size [64, 32]; its image has [64, 64]"),
        (MASK.replace('"PP4"', "[1, 2]"), "no compressed RLE"),
        (MASK.replace('"counts":', '"counts"'), "no compressed RLE: JSON is malformed"),
        (MASK.replace("PP4", "PP3"), "counts cover 3072 pixels; its image of 64 x 64 has 4096"),
        (MASK.replace("PP4", ""), "counts cover 0 pixels"),
        (MASK.replace("PP4", "PPP"), "counts are no run lengths"),
        (MASK.replace("PP4", "PP4~"), "counts are no run lengths"),
        (MASK.replace("PP4", "o"), "counts are no run lengths"),
        (MASK.replace('{"size": [64, 64], "counts": "PP4"}', "[[1, 2, 3]]"), "compressed RLE is expected"),
    ],
)
def test_a_wrong_mask_is_named(tmp_path: Path, truth: GroundTruth, wrong: str, complaint: str) -> None:
    message = refuse(tmp_path, truth, f"[{MASK},{wrong}]", MASKS)
    assert "entry 1 " in message
    assert complaint in message


@pytest.mark.parametrize(("number", "finite"), [("1e999", False), ("9" * 400, False), ("-1e308", True)])
def test_landmarks_are_finite(tmp_path: Path, truth: GroundTruth, number: str, finite: bool) -> None:
    entry = '{"image_id": 1, "category_id": 7, "score": 1, "keypoints": [%s]}'
    text = f"[{entry % ','.join('1' * 30)},{entry % ','.join([number, *'1' * 29])}]"
    if not finite:
        assert "entry 1 has keypoints that are not all finite" in refuse(tmp_path, truth, text, LANDMARKS)
    else:
        (tmp_path / "results.json").write_text(text)
        assert read_results(tmp_path / "results.json", truth, LANDMARKS).landmarks(np.array([1]))[0, 0, 0] == -1e308


def test_landmarks_are_those_of_the_category_or_all(tmp_path: Path, truth: GroundTruth) -> None:
    entry = '{"image_id": 1, "category_id": 7, "score": 1, "keypoints": [%s]}'
    good = [entry % ",".join(["1"] * count) for count in (30, 882)]
    message = refuse(tmp_path, truth, f"[{','.join(good)},{entry % '1,1,1'}]", LANDMARKS)
    assert "entry 2 " in message
    assert "30 (its category's) or 882" in message
