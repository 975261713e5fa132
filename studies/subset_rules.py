"""What the subset rules do to numbers that know nothing of the subsets: `python -m studies.subset_rules`.

A null test. The levels of scale, occlusion, zoom-in and viewpoint are dealt out to the items of a synthetic split at
random, in the shares of the real one; every subset is then as hard as the whole. What a subset's AP differs by from the
overall AP is what its rule adds or takes away, by the subset's size alone. Means over several deals, in points of AP
(hundredths); the last line says how far one deal lies from their mean.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from tabulate import tabulate

from benchmarks.synthetic.validation import LEVEL_SHARES, Validation
from matchrcnn.config import BootstrapParams, EvaluationParams, SubsetRule
from matchrcnn.evaluation.coco.metrics import MEASURES
from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.evaluation.readers.results import Results, read_results
from matchrcnn.evaluation.scoring import evaluate
from matchrcnn.subsets import OVERALL, column_bits
from matchrcnn.tasks import BOXES
from matchrcnn.taxonomy import SUBSETS

NAMES = {"AP": "AP", "AP_size_normalized": "size-normalized"}


def deal(truth: GroundTruth, rng: np.random.Generator) -> GroundTruth:
    """The split with levels that are drawn at random."""
    levels = [rng.choice(3, len(truth), p=shares) + 1 for shares in LEVEL_SHARES.values()]
    return replace(truth, columns=column_bits(np.stack(levels, axis=1)))


def biases(truth: GroundTruth, results: Results, rule: SubsetRule) -> np.ndarray:
    """Differences of the subsets' AP and size-normalized AP from the overall AP, (2, 12) points."""
    params = EvaluationParams(subset_rule=rule, bootstrap=BootstrapParams(resamples=0))
    values = evaluate(truth, results, BOXES.scores[0], params).values
    columns = [MEASURES.index(name) for name in NAMES]
    return 100 * (values[:OVERALL, columns] - values[OVERALL, 0]).T


def main() -> None:
    """Print a line for each rule."""
    parser = argparse.ArgumentParser(prog="python -m studies.subset_rules", description=__doc__)
    parser.add_argument("--images", type=int, default=8000, help="of the synthetic split (default: %(default)s)")
    parser.add_argument("--deals", type=int, default=10, help="of random levels (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        split, files = Validation(arguments.images), (Path(folder, "truth.json"), Path(folder, "boxes.json"))
        split.write_truth(files[0])
        split.write_boxes(files[1])
        truth = read_ground_truth(files[0])
        results = read_results(files[1], truth, BOXES)
        rng = np.random.default_rng(0)
        deals = [deal(truth, rng) for _ in range(arguments.deals)]
        found = {rule: np.stack([biases(one, results, rule) for one in deals]) for rule in get_args(SubsetRule)}
    shares = [share for shares in LEVEL_SHARES.values() for share in shares]
    rows = [["share of items", "", *(f"{share:.0%}" for share in shares)]]
    for rule, values in found.items():
        for line, name in enumerate(NAMES.values()):
            rows.append([f"`{rule}`", name, *(f"{value:+.1f}" for value in values.mean(axis=0)[line])])
    spread = np.max([values.std(axis=0) for values in found.values()], axis=(0, 1))
    rows.append(["one deal, at most", "", *(f"{value:.1f}" for value in spread)])
    heads = ["rule", "", *(f"{name.replace('_', '-')}: {level.replace('_', ' ')}" for name, level in SUBSETS)]
    print(f"{arguments.images:,} images, {len(truth):,} items, {len(results):,} detections, {arguments.deals} deals\n")
    print(tabulate(rows, heads, "github", disable_numparse=True))


if __name__ == "__main__":
    main()
