"""COCO's compressed run lengths, checked before pycocotools' C code trusts them."""

import numpy as np

from matchrcnn.evaluation.compiled import compiled

_ZERO, _BITS, _SIGN, _MORE = 48, 0x1F, 0x10, 0x20
_MOST_BITS = 30


def pixels(counts: bytes) -> int:
    """How many pixels the runs cover, or -1 where the text holds no run lengths."""
    return int(_pixels(np.frombuffer(counts, np.uint8)))


@compiled
def _pixels(text: np.ndarray) -> int:
    """Runs are written in groups of five bits, low ones first, and from the fourth on less the last but one."""
    total, last, before, number, at = 0, 0, 0, 0, 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            if at == len(text) or shift >= _MOST_BITS or not _ZERO <= text[at] < _ZERO + 2 * _MORE:
                return -1
            group = text[at] - _ZERO
            value |= (group & _BITS) << shift
            shift += 5
            at += 1
            more = (group & _MORE) > 0
        if group & _SIGN:
            value -= 1 << shift
        number += 1
        if number > 3:
            value += before
        if value < 0:
            return -1
        total += value
        before, last = last, value
    return total
