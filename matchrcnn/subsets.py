"""The 13 columns of the paper's tables as bit masks, and the rules of what counts in each.

Bit s of a mask stands for subset s of `matchrcnn.taxonomy.SUBSETS`, bit 12 for the whole split.
"""

from dataclasses import dataclass

import numpy as np

from matchrcnn.config import SubsetRule
from matchrcnn.taxonomy import SUBSETS

OVERALL = len(SUBSETS)
NUM_COLUMNS = OVERALL + 1
ALL_COLUMNS = np.uint16((1 << NUM_COLUMNS) - 1)

COLUMNS: tuple[str, ...] = (*(f"{attribute}/{level}" for attribute, level in SUBSETS), "overall")
"""Paths of the columns in metrics.json, in the order of the published tables."""


@dataclass(frozen=True, eq=False)
class Membership:
    """What counts in which column.

    Attributes:
        items: columns in which a ground-truth item counts, (G,) uint16; it is ignored in the others, and so is the
            detection that is matched to it.
        images: columns in which an image's detections count, (I,) uint16.
    """

    items: np.ndarray
    images: np.ndarray


def column_bits(levels: np.ndarray) -> np.ndarray:
    """Return each item's columns, (G,) uint16, from (G, 4) levels 1..3 in the order of `taxonomy.ATTRIBUTES`."""
    bits = np.full(len(levels), 1 << OVERALL, np.uint16)
    for attribute in range(levels.shape[1]):
        bits |= (1 << (3 * attribute + levels[:, attribute].astype(np.uint16) - 1)).astype(np.uint16)
    return bits


def membership(rule: SubsetRule, bits: np.ndarray, image: np.ndarray, num_images: int) -> Membership:
    """Return what counts under a rule.

    `subset_images`: only images that hold an item of the subset count, their other items are ignored.
    `all_images`: all images count, items outside the subset are ignored.
    `whole_images`: images that hold an item of the subset count with all their items.

    Args:
        rule: its name.
        bits: columns of each item, (G,) uint16; 0 for an item that is ignored everywhere.
        image: index of each item's image, (G,) int.
        num_images: I, images with and without items.
    """
    images = np.full(num_images, 1 << OVERALL, np.uint16)
    np.bitwise_or.at(images, image, bits)
    if rule == "all_images":
        return Membership(bits, np.full(num_images, ALL_COLUMNS))
    if rule == "whole_images":
        return Membership(np.where(bits > 0, images[image], np.uint16(0)), images)
    return Membership(bits, images)
