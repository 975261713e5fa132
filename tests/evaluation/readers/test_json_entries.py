"""A result file is scanned in parts, and what is found does not depend on where they are cut."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchrcnn.evaluation.readers.json_entries import BrokenEntryError, entries

SEAMS = (", {", ',{"', '"}, {"', "},\n{", "\\", '"')  # texts within an entry that look like where the next one begins


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def columns(text: str, parts: int) -> list[np.ndarray]:
    found = entries(as_bytes(text), "bbox", parts)
    names = ("image_id", "category_id", "score", "start", "stop", "length", "suspicious")
    return [np.concatenate([getattr(part, name) for part in found]) for name in names]


def an_entry(index: int, inside: object) -> dict[str, object]:
    return {
        "image_id": index,
        "name": inside,
        "category_id": index % 13,
        "bbox": [index, 0.5],
        "score": 1 / (index + 1),
    }


def broken_at(text: str, parts: int) -> tuple[int, int]:
    with pytest.raises(BrokenEntryError) as caught:
        entries(as_bytes(text), "bbox", parts)
    return caught.value.index, caught.value.start


INSIDE = st.recursive(st.sampled_from(SEAMS), lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner))


@given(st.lists(INSIDE, min_size=1, max_size=12), st.integers(2, 40), st.sampled_from([None, 1]))
@settings(deadline=None)
def test_parts_hold_what_the_whole_holds(inside: list[object], parts: int, indent: int | None) -> None:
    listed = [an_entry(index, value) for index, value in enumerate(inside)]
    text = json.dumps(listed, indent=indent)
    whole = columns(text, 1)
    assert whole[0].tolist() == list(range(len(listed)))
    assert whole[2].tolist() == [entry["score"] for entry in listed]
    for one, other in zip(whole, columns(text, parts), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_text_is_cut_where_entries_begin() -> None:
    text = json.dumps([an_entry(index, []) for index in range(64)])
    assert [len(part.score) for part in entries(as_bytes(text), "bbox", 4)] == pytest.approx([16] * 4, abs=2)


@given(st.integers(0, 11), st.integers(2, 40), st.sampled_from(["", '"image_id": 1,', '"x": [}', "{{"]))
@settings(deadline=None)
def test_the_first_broken_entry_is_found_in_whichever_part(broken: int, parts: int, wrong: str) -> None:
    texts = [json.dumps(an_entry(index, [", {"])) for index in range(12)]
    texts[broken] = wrong + texts[broken][1:] if wrong else '{"bbox": []}'
    text = f"[{', '.join(texts)}]"
    for number in (1, parts):
        assert broken_at(text, number) == (broken, text.index(texts[broken]))


def test_a_text_cut_off_anywhere_is_broken_where_it_ends() -> None:
    listed = [json.dumps(an_entry(index, {"a": [", {"]})) for index in range(6)]
    text = f"[{', '.join(listed)}]"
    begins = [text.index(entry) for entry in listed]
    for end in range(1, len(text)):
        index, start = broken_at(text[:end], 5)
        assert (index, start) == broken_at(text[:end], 1)
        assert start in begins or start == end or index == 0
