"""What is wrong with an entry that the fast reader refused, found by a slow one."""

import json
from typing import Any, NoReturn

import numpy as np

from matchrcnn.evaluation.readers.json_entries import BrokenEntryError

_LONGEST_ENTRY = 1 << 22
_SHARED = ("image_id", "category_id", "score")


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(number) in (int, float) for number in value)


_PAYLOADS = {
    "bbox": ("a list of numbers", _is_numbers),
    "keypoints": ("a list of numbers", _is_numbers),
    "segmentation": ("compressed RLE", lambda value: isinstance(value, dict)),
}


class _ComplaintError(ValueError):
    pass


def explain(text: np.ndarray, broken: BrokenEntryError, payload: str) -> str:
    """Return one line that names the entry and what is wrong with it.

    Args:
        text: the file, (bytes,) uint8.
        broken: the entry.
        payload: name of the field beside image_id, category_id and score.
    """
    place = f"entry {broken.index} (at byte {broken.start})"
    if broken.start >= len(text):
        return f"{place} is missing: the file breaks off; write it again"
    rest = bytes(text[broken.start : broken.start + _LONGEST_ENTRY]).decode(errors="replace")
    if broken.start == 0:
        return f"a JSON list of results is expected, the file begins with {rest[:20]!r}"
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)
    try:
        entry, end = decoder.raw_decode(rest)
    except json.JSONDecodeError as error:
        return f"{place} is not valid JSON: {error.msg} at byte {broken.start + error.pos}; is the file complete?"
    except _ComplaintError as complaint:
        return f"{place} {complaint}"
    return f"{place} {_complaint(entry, payload) or _escaped(rest[:end], payload) or _after(rest[end:])}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key, value in pairs:
        if key in entry:
            raise _ComplaintError(f"has the key {key!r} twice; remove one")
        entry[key] = value
    return entry


def _no_number(name: str) -> NoReturn:
    raise _ComplaintError(f"holds {name}, which is no JSON number; drop such detections")


def _complaint(entry: object, payload: str) -> str:
    if not isinstance(entry, dict):
        return f"is {entry!r:.40}; a JSON object is expected"
    missing = [name for name in (*_SHARED, payload) if name not in entry]
    if missing:
        return f"lacks {', '.join(missing)}; its keys are {', '.join(entry)}"
    for name in ("image_id", "category_id"):
        if not _is_whole(entry[name]) or abs(entry[name]) >= 1 << 63:
            return f"has {name} {entry[name]!r:.40}; an integer is expected"
    if type(entry["score"]) not in (int, float):
        return f"has score {entry['score']!r:.40}; a number is expected"
    wanted, is_wanted = _PAYLOADS[payload]
    return "" if is_wanted(entry[payload]) else f"has {payload} {entry[payload]!r:.60}; {wanted} is expected"


def _is_whole(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _escaped(entry: str, payload: str) -> str:
    """What to say of an entry that has all fields but spells the name of one with escapes."""
    spelled = [name for name in (*_SHARED, payload) if f'"{name}"' not in entry]
    return f"has the key {spelled[0]!r} written with escapes (as \\u0061 for a); write it in letters" if spelled else ""


def _after(rest: str) -> str:
    return f"is followed by {rest.strip()[:20]!r}; a comma or the end of the list is expected"
