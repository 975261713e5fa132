"""Every number equals pycocotools' bit for bit, whatever the rule, stream, threshold, recall point and category."""

from pathlib import Path

import coco_oracle
import numpy as np
import orjson
import pytest
import small_split
from hypothesis import given, settings
from hypothesis import strategies as st

from matchrcnn.config import BootstrapParams, EvaluationParams
from matchrcnn.evaluation.evaluate import evaluate_file

RULES = ("subset_images", "all_images", "whole_images")
MAKERS = {"box": ("bbox", small_split.box_results), "mask": ("segm", small_split.mask_results)}


def evaluate(folder: Path, truth: dict, results: list, stream: str, rule: str):
    (folder / "truth.json").write_bytes(orjson.dumps(truth))
    (folder / "results.json").write_bytes(orjson.dumps(results))
    params = EvaluationParams(subset_rule=rule, bootstrap=BootstrapParams(resamples=0))
    return evaluate_file(folder / "truth.json", folder / "results.json", stream, params)


@pytest.mark.parametrize("stream", MAKERS)
@given(seed=st.integers(0, 2**32), rule=st.sampled_from(RULES))
@settings(max_examples=60, deadline=None)
def test_curves_equal_pycocotools(tmp_path_factory, stream: str, seed: int, rule: str) -> None:
    kind, make = MAKERS[stream]
    rng = np.random.default_rng(seed)
    truth = small_split.truth(rng)
    results = make(rng, truth)
    found = evaluate(tmp_path_factory.mktemp("split"), truth, results, stream, rule).curves
    for column, expected in enumerate(coco_oracle.curves(truth, results, kind, rule)):
        if expected is not None:
            precision = np.stack([curves.precision[:, column, :, 0] for curves in found], axis=-1)
            recall = np.stack([curves.recall[:, column, 0] for curves in found], axis=-1)
            np.testing.assert_array_equal(precision, expected[0])
            np.testing.assert_array_equal(recall, expected[1])
