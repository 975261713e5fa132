"""A checkpoint is of a training made from the very same."""

from collections.abc import Callable

import pytest

from matchrcnn.config import HardwareParams, RunConfig
from matchrcnn.training.made_from import made_from
from matchrcnn.training.setup import set_up
from matchrcnn.training.summary import summarise

CPU = HardwareParams(device="cpu")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"threads": 2}, ["hardware.threads"]),
        ({"processes": 2}, []),
        ({"loader_workers": 4}, []),
        ({"device": "auto"}, []),
    ],
)
def test_threads_are_a_part_and_other_hardware_is_none(
    tiny_run: Callable[..., RunConfig], tiny_splits: dict, changes: dict, parts: list[str]
) -> None:
    setup = set_up(tiny_run("detection"), tiny_splits["train"], tiny_splits["validation"])
    summary = summarise(setup)
    before, after = (made_from(setup, summary, hardware) for hardware in (CPU, CPU.model_copy(update=changes)))
    assert [part for part in before if before[part] != after[part]] == parts


def test_other_parameters_are_a_part(tiny_run: Callable[..., RunConfig], tiny_splits: dict) -> None:
    setups = [set_up(tiny_run("detection", base_lr=rate), *tiny_splits.values()) for rate in (0.1, 0.2)]
    before, after = (made_from(setup, summarise(setup), CPU) for setup in setups)
    assert [part for part in before if before[part] != after[part]] == ["parameters, annotations or initial weights"]
