"""What cannot be deterministic on a GPU is named; what needs no such operation is not accused of it."""

from collections.abc import Callable

import pytest
import torch

from matchrcnn.config import RetrievalParams, RunConfig
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.determinism import nondeterministic_operations

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("task", "poolers"),
    [("detection", ["box"]), ("segmentation", ["box", "mask"]), ("landmarks", ["box", "keypoint"])],
)
def test_the_streams_that_pool_rois_are_named(tiny_run: Callable[..., RunConfig], task: str, poolers: list) -> None:
    (named,) = nondeterministic_operations(build_model(tiny_run(task), CPU))
    assert "RoIAlign" in named
    assert named.endswith(", ".join(f"roi_heads.{name}_pooler" for name in poolers))


def test_frozen_features_have_no_gradient(tiny_run: Callable[..., RunConfig]) -> None:
    run = tiny_run("retrieval").model_copy(update={"retrieval": RetrievalParams(freeze=True)})
    assert nondeterministic_operations(build_model(run, CPU)) == []
