"""Numbers with few items or queries behind them: their intervals hold, but are so wide that a number alone misleads.

Tables print them grey and never shaded, and no card calls them weak.
"""

from matchrcnn.project import Run
from matchrcnn.reporting.tables.table import NOTHING, Part
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import DETECTION_STREAMS, STREAM_OF

LEAST_ITEMS = 30
"""Least items of a subset, or of the whole split, for a number that is read alone."""

LEAST_CATEGORY_ITEMS = 10
"""Least items of a category; the interval of its number is then about 0.45 wide."""

LEAST_QUERIES = 20
"""Least queries of a retrieval share; its interval is then about 0.4 wide."""

EXPLAINED = (
    f"fewer than {LEAST_ITEMS} items (of a category {LEAST_CATEGORY_ITEMS}), or {LEAST_QUERIES} queries, are behind "
    "the number; read it with its interval."
)


def grey(part: Part, run: Run, path: str) -> Part:
    """Return a number that says how few items or queries are behind it and is not judged; else as it is.

    Args:
        part: the number as text.
        run: whose number it is.
        path: of the number, see `few_behind`.
    """
    behind = few_behind(run, path)
    return Part(part.text, hint=behind, few=True) if behind and part.text != NOTHING else part


def few_behind(run: Run, path: str) -> str:
    """Return how many items or queries are behind a number where they are few, as "7 items"; else nothing.

    Args:
        run: whose number it is.
        path: of the number, as `box/occlusion/heavy/AP` or `retrieval/detected_box/overall/top20`.
    """
    cell = path.rpartition("/")[0]
    key = next(key for key in STREAM_OF if cell.startswith(f"{key}/"))
    column = cell.removeprefix(f"{key}/")
    if STREAM_OF[key] in DETECTION_STREAMS:
        count, least = run.count(key, column, "items"), LEAST_ITEMS if column in COLUMNS else LEAST_CATEGORY_ITEMS
        return _few(count, least, "item", "items")
    return _few(run.value(f"{cell}/queries"), LEAST_QUERIES, "query", "queries")


def _few(count: float | None, least: int, one: str, many: str) -> str:
    return "" if count is None or count >= least else f"{count:.0f} {one if count == 1 else many}"
