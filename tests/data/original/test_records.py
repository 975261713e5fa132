"""What is read from an annotation file, what is fixed, and what is refused."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchrcnn.data.original.records import DEFECTS, AnnotationError, Item, parse_annotation, parse_item
from tests.support.deepfashion2_files import TRIANGLE, make_annotation, make_item


def parse(item: object) -> tuple[Item | None, list[str]]:
    parsed, problems = parse_item(msgspec.Raw(json.dumps(item).encode()), 100, 80)
    assert all(reason for _, reason in problems)
    return parsed, [kind for kind, _ in problems]


def test_a_faultless_item_is_read_as_it_is() -> None:
    item, problems = parse(make_item())
    assert problems == []
    assert msgspec.to_builtins(item) == make_item(category_name=...)


@pytest.mark.parametrize(
    ("changes", "kinds", "fixed"),
    [
        ({"bounding_box": [60, 70, 10, 20]}, ["box_corners_exchanged"], {"bounding_box": [10, 20, 60, 70]}),
        ({"bounding_box": [-3, -1, 60, 70]}, ["box_past_border"], {"bounding_box": [0, 0, 60, 70]}),
        ({"bounding_box": [10, 20, 100.5, 99]}, ["box_past_border"], {"bounding_box": [10, 20, 100, 80]}),
        ({"bounding_box": [0, 0, 100, 80]}, [], {"bounding_box": [0, 0, 100, 80]}),
        (
            {"bounding_box": [120, 20, 10, 70]},
            ["box_corners_exchanged", "box_past_border"],
            {"bounding_box": [10, 20, 100, 70]},
        ),
        (
            {"segmentation": [[], [1, 2], [1, 2, 3, 4], TRIANGLE]},
            ["polygon_of_fewer_than_3_points"],
            {"segmentation": [TRIANGLE]},
        ),
        ({"segmentation": [TRIANGLE, [*TRIANGLE, 1]]}, ["polygon_with_lone_coordinate"], {"segmentation": [TRIANGLE]}),
        ({"segmentation": [[0, 0, 100, 0, 100, 80]]}, [], {}),
        ({"segmentation": [[0, 0, 100.5, 0, 9, 9]]}, ["polygon_past_border"], {}),
        ({"segmentation": [[0, 0, 9, 9, 9, 80.5]]}, ["polygon_past_border"], {}),
        ({"segmentation": [TRIANGLE, [0, -1, 9, 9, 9, 8]]}, ["polygon_past_border"], {}),
        ({"landmarks": [0, 0, 0] * 8}, [], {}),
        ({"landmarks": [0, 0, 2] * 8}, [], {}),
        (
            {"landmarks": [7, 0, 0, 0, 7, 0, *[1, 1, 2] * 6]},
            ["unlabelled_landmark_with_position"],
            {"landmarks": [0, 0, 0, 0, 0, 0, *[1, 1, 2] * 6]},
        ),
        (
            {"landmarks": [-7, 900, 0, *[1, 1, 2] * 7]},
            ["unlabelled_landmark_with_position"],
            {"landmarks": [0, 0, 0, *[1, 1, 2] * 7]},
        ),
        ({"landmarks": [100, 80, 2, -0.5, 3, 1, *[1, 1, 2] * 6]}, ["landmark_past_border"], {}),
        ({"landmarks": [1, 81, 2, *[1, 1, 2] * 7]}, ["landmark_past_border"], {}),
        ({"scale": 2.0, "style": 1.0, "category_id": 9.0}, [], {"scale": 2, "style": 1, "category_id": 9}),
    ],
)
def test_defects_with_a_safe_mending_are_mended_and_named(
    changes: dict[str, Any], kinds: list[str], fixed: dict[str, Any]
) -> None:
    item, found = parse(make_item(**changes))
    assert found == kinds
    assert msgspec.to_builtins(item) == make_item(category_name=..., **(changes | fixed))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"bounding_box": [10, 20, 10, 70]}, "box_without_area"),
        ({"bounding_box": [10, 70, 60, 70]}, "box_without_area"),
        ({"bounding_box": [101, 20, 130, 70]}, "box_without_area"),
        ({"bounding_box": [1e-300, 0, 2e-300, 1e-300]}, "box_without_area"),
        ({"segmentation": []}, "no_polygon"),
        ({"segmentation": [[1, 2, 3, 4], [1]]}, "no_polygon"),
        ({"landmarks": []}, "wrong_number_of_landmarks"),
        ({"landmarks": [1, 1, 2] * 9}, "wrong_number_of_landmarks"),
        ({"landmarks": [1, 1, 3] * 8}, "unknown_visibility"),
        ({"landmarks": [1, 1, 0.5] * 8}, "unknown_visibility"),
        ({"category_id": 0}, "invalid_item"),
        ({"category_id": 14}, "invalid_item"),
        ({"category_id": ...}, "invalid_item"),
        ({"scale": 0}, "invalid_item"),
        ({"occlusion": 4}, "invalid_item"),
        ({"zoom_in": 1.5}, "invalid_item"),
        ({"viewpoint": None}, "invalid_item"),
        ({"style": -1}, "invalid_item"),
        ({"style": 10**30}, "invalid_item"),
        ({"bounding_box": [1, 2, 3]}, "invalid_item"),
        ({"bounding_box": "10 20 60 70"}, "invalid_item"),
        ({"bounding_box": [10, 20, 10**400, 70]}, "invalid_item"),
        ({"segmentation": [[1e9, 20, 60, 20, 60, 70]]}, "invalid_item"),
        ({"segmentation": [[{}]]}, "invalid_item"),
        ({"landmarks": [True] * 24}, "invalid_item"),
    ],
)
def test_defects_without_one_cost_the_item(changes: dict[str, Any], kind: str) -> None:
    assert parse(make_item(**changes)) == (None, [kind])


@pytest.mark.parametrize("item", [None, 3, "item", [], {}, [[]]])
def test_what_is_no_item_is_refused(item: object) -> None:
    assert parse(item) == (None, ["invalid_item"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
numbers = st.integers(-200, 200) | st.floats(-200, 200)


@settings(max_examples=60)
@given(
    field=st.sampled_from(sorted(make_item())),
    value=json_values | st.lists(numbers, max_size=30) | st.lists(st.lists(numbers, max_size=9), max_size=4),
)
def test_whatever_stands_in_a_field_the_item_is_sound_or_refused(field: str, value: object) -> None:
    item, kinds = parse(make_item(**{field: value}))
    assert (item is None) == any(DEFECTS[kind] == "item skipped" for kind in kinds)
    if item:
        x1, y1, x2, y2 = item.bounding_box
        assert 0 <= x1 < x2 <= 100
        assert 0 <= y1 < y2 <= 80
        assert all(len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in item.segmentation)
        assert len(item.landmarks) == 24
        assert {item.scale, item.occlusion, item.zoom_in, item.viewpoint} <= {1, 2, 3}


def test_items_come_in_the_order_of_their_numbers() -> None:
    content = {"item10": 1, "hat": 2, "item2": 3, "source": "shop", "pair_id": 7.0, "item1": 4}
    annotation = parse_annotation(json.dumps(content).encode())
    assert list(annotation.items) == ["item1", "item2", "item10", "hat"]
    assert (annotation.source, annotation.pair_id) == ("shop", 7)


@pytest.mark.parametrize(
    ("content", "reason", "items"),
    [
        (b"", "not a JSON object", 0),
        (b"[]", "not a JSON object", 0),
        (b'{"item1": {}', "not a JSON object", 0),
        (b'{"item1": NaN}', "not a JSON object", 0),
        (b'{"item1": ' + b"[" * 100_000, "not a JSON object", 0),
        (b"\xff\xd8\xff", "not a JSON object", 0),
        (b'{"item1": {}, "item2": {}, "pair_id": 1}', "source: missing", 2),
        (b'{"item1": {}, "source": "shop"}', "pair_id: missing", 1),
        (b'{"item1": {}, "source": "mall", "pair_id": 1}', "source or pair_id", 1),
        (b'{"item1": {}, "source": "shop", "pair_id": -1}', "source or pair_id", 1),
        (b'{"item1": {}, "source": "shop", "pair_id": {}}', "source or pair_id", 1),
    ],
)
def test_a_file_of_no_use_says_why_and_how_many_items_it_costs(content: bytes, reason: str, items: int) -> None:
    with pytest.raises(AnnotationError, match=reason) as raised:
        parse_annotation(content)
    assert raised.value.items == items


def test_every_kind_of_defect_is_described() -> None:
    page = (Path(__file__).parents[3] / "docs/data.md").read_text()
    assert [kind for kind, action in DEFECTS.items() if f"| `{kind}` | {action} |" not in page] == []


def test_an_annotation_without_items_is_one() -> None:
    assert parse_annotation(json.dumps(make_annotation()).encode()).items == {}
