"""What an image learns from is drawn by its own seed: neither its neighbours nor its place in the batch matter."""

from collections.abc import Callable

import pytest
import torch
from detectron2.utils.events import EventStorage

from matchrcnn.config import RunConfig
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.split import load_split
from matchrcnn.modeling.build import build_model

MakeRun = Callable[..., RunConfig]


@pytest.fixture(params=["segmentation", "retrieval"])
def run(request: pytest.FixtureRequest, tiny_run: MakeRun) -> RunConfig:
    run = tiny_run(request.param)
    # fewer RoIs than there are candidates, so that which ones are drawn shows in the losses
    return run.model_copy(update={"model": run.model.model_copy(update={"rois_per_image": 16})})


@pytest.fixture
def batch(run: RunConfig, tiny_splits: dict) -> list[dict]:
    entries = [entry for entry in load_split(tiny_splits["train"]) if entry["annotations"]]
    size = (entries[0]["height"], entries[0]["width"])
    alike = [entry for entry in entries if (entry["height"], entry["width"]) == size]
    mapper = Mapper(run.model, flip=False, masks=True, landmarks=True)
    return [mapper(entry, seed) for seed, entry in enumerate(alike[:4], start=2**64 - 6)]


def losses(run: RunConfig, batch: list[dict], generator: int) -> dict[str, float]:
    model = build_model(run, torch.device("cpu")).train()
    with torch.no_grad():  # as it starts, all anchors score alike, and so would any choice of them
        model.proposal_generator.rpn_head.objectness_logits.weight *= 100
    torch.manual_seed(generator)
    with torch.no_grad(), EventStorage():
        return {name: float(loss) for name, loss in model(batch).items()}


def test_neither_the_generator_nor_the_place_in_the_batch_matters(run: RunConfig, batch: list[dict]) -> None:
    first = losses(run, batch, generator=1)
    assert losses(run, batch[::-1], generator=2) == pytest.approx(first, rel=1e-5)


def test_another_seed_draws_otherwise(run: RunConfig, batch: list[dict]) -> None:
    others = [entry | {"seed": entry["seed"] - 10} for entry in batch]
    first, other = losses(run, batch, 1), losses(run, others, 1)
    assert other["loss_rpn_cls"] != pytest.approx(first["loss_rpn_cls"], rel=1e-5)
    assert other["loss_cls"] != pytest.approx(first["loss_cls"], rel=1e-5)


def test_without_seeds_the_generator_decides(run: RunConfig, batch: list[dict]) -> None:
    bare = [{key: value for key, value in entry.items() if key != "seed"} for entry in batch]
    assert losses(run, bare, 1) == losses(run, bare, 1)
    assert losses(run, bare, 1)["loss_rpn_cls"] != losses(run, bare, 2)["loss_rpn_cls"]
