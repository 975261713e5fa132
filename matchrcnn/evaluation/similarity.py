"""How well each detection fits each ground truth of its group: IoU of boxes and masks, OKS of landmarks.

Every function gives one float64 a pair in the order of `Groups.pair_starts`: group after group, within a group
detection after detection. The values are bit for bit those of pycocotools.
"""

import numpy as np
from pycocotools import mask as rle_masks

from matchrcnn.evaluation.compiled import compiled
from matchrcnn.evaluation.ground_truth import GroundTruth
from matchrcnn.evaluation.ranking import Groups, Ranking
from matchrcnn.evaluation.results import Results


def box_iou(truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """IoU of boxes."""
    boxes = results.boxes(ranking.detection[groups.positions])
    return _box_pairs(boxes, truth.boxes[groups.items], groups.position_starts, groups.item_starts, groups.pair_starts)


def mask_iou(truth: GroundTruth, results: Results, ranking: Ranking, groups: Groups) -> np.ndarray:
    """IoU of masks."""
    pairs = np.empty(groups.pair_starts[-1])
    for number in range(len(groups.pair_starts) - 1):
        items = groups.items[groups.item_starts[number] : groups.item_starts[number + 1]]
        positions = groups.positions[groups.position_starts[number] : groups.position_starts[number + 1]]
        masks = results.masks(ranking.detection[positions])
        overlap = rle_masks.iou(masks, [truth.mask(int(item)) for item in items], [0] * len(items))
        pairs[groups.pair_starts[number] : groups.pair_starts[number + 1]] = overlap.ravel()
    return pairs


@compiled
def _box_pairs(
    detected: np.ndarray, true: np.ndarray, detected_starts: np.ndarray, true_starts: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    pairs = np.zeros(starts[-1])
    for group in range(len(starts) - 1):
        pair = starts[group]
        for d in range(detected_starts[group], detected_starts[group + 1]):
            x, y, width, height = detected[d]
            for g in range(true_starts[group], true_starts[group + 1]):
                wide = min(width + x, true[g, 2] + true[g, 0]) - max(x, true[g, 0])
                high = min(height + y, true[g, 3] + true[g, 1]) - max(y, true[g, 1])
                if wide > 0 and high > 0:
                    shared = wide * high
                    pairs[pair] = shared / (width * height + true[g, 2] * true[g, 3] - shared)
                pair += 1
    return pairs
