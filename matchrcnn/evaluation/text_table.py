"""An evaluation as text: the paper's table, then the categories."""

import numpy as np
from tabulate import tabulate

from matchrcnn.evaluation.coco.metrics import CELLS, MEASURES
from matchrcnn.evaluation.scoring import Evaluation
from matchrcnn.subsets import OVERALL
from matchrcnn.taxonomy import CATEGORY_NAMES, SUBSETS

_RULES = {
    "subset_images": "images that hold an item of the subset count; their other items are ignored",
    "all_images": "all images count; items outside the subset are ignored",
    "whole_images": "images that hold an item of the subset count, with all their items",
}
_HEADS = {"AP_size_normalized": "AP size-norm."}


def as_text(name: str, found: Evaluation) -> str:
    """Return the tables of a score, values in 0..1, with the rule and the bootstrap that made them."""
    heads = [_HEADS.get(measure, measure) for measure in MEASURES]
    subsets = _rows(found, heads, slice(0, OVERALL + 1))
    categories = _rows(found, heads[:-1], slice(OVERALL + 1, len(CELLS)))
    by_category = zip(*([head, *cells] for head, *cells in [("category", *CATEGORY_NAMES), *categories]), strict=True)
    return "\n\n".join(
        [
            f"{name}: {_protocol(found)}",
            tabulate(subsets, ["", *_column_heads()], "simple", disable_numparse=True, stralign="right"),
            tabulate(by_category, "firstrow", "simple", disable_numparse=True),
        ]
    )


def _column_heads() -> list[str]:
    """Each attribute's name over the first of its levels."""
    levels = [level.replace("side_or_back", "side or\nback").replace("_", " ") for _, level in SUBSETS]
    names = [name.replace("_", "-") if i % 3 == 0 else "" for i, (name, _) in enumerate(SUBSETS)]
    return [*("\n".join(head) for head in zip(names, levels, strict=True)), "\noverall"]


def _rows(found: Evaluation, heads: list[str], cells: slice) -> list[list[str]]:
    rows, margins = [], _margins(found)
    for index, head in enumerate(heads):
        rows.append([head, *map(_number, found.values[cells, index])])
        if margins is not None:
            rows.append(["+-", *map(_number, margins[cells, index])])
    images, items = ([str(count) for count in found.counts[cells, i]] for i in (0, 1))
    return [*rows, *([["images", *images]] if cells.start == 0 else []), ["items", *items]]


def _margins(found: Evaluation) -> np.ndarray | None:
    """Half the width of each interval, (26, 5)."""
    if not len(found.samples):
        return None
    low, high = found.interval
    return (high - low) / 2


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _protocol(found: Evaluation) -> str:
    rule, bootstrap = found.params.subset_rule, found.params.bootstrap
    text = f"subset rule {rule}: {_RULES[rule]}"
    if bootstrap.resamples:
        text += f"; +- half the {bootstrap.level:.0%} interval of {bootstrap.resamples} resamples of the images"
    return text
