"""Cells with few items: their intervals hold, but are so wide that a number alone misleads; reports print them grey."""

from matchrcnn.evaluation.coco.metrics import CELLS
from matchrcnn.subsets import NUM_COLUMNS

LEAST_ITEMS = 30
"""Items from which on a subset's number, or that of the whole split, is read without caution."""

LEAST_CATEGORY_ITEMS = 10
"""The same of one category's number, whose interval is then about 0.45 wide."""

LEAST_QUERIES = 20
"""Queries from which on a retrieval share is read without caution; the interval is then about 0.4 wide."""

_CATEGORY_CELLS = frozenset(CELLS[NUM_COLUMNS:])


def is_small(items: int, path: str) -> bool:
    """Whether a cell holds so few items that its number is to be read with caution.

    Args:
        items: `counts` of the cell in protocol.json.
        path: of the cell, as `overall`, `occlusion/heavy` or `category/skirt`.
    """
    return items < least_items(path)


def least_items(path: str) -> int:
    """Items from which on a cell's number is read without caution."""
    return LEAST_CATEGORY_ITEMS if path in _CATEGORY_CELLS else LEAST_ITEMS


def is_small_share(queries: int) -> bool:
    """Whether a retrieval share is of so few queries that it is to be read with caution."""
    return queries < LEAST_QUERIES
