from pathlib import Path

import pytest
import torch

from matchrcnn.config import Params, RetrievalParams, RunConfig
from matchrcnn.modeling.build import build_model, save_model


@pytest.fixture(scope="session")
def retrieval_run(tmp_path_factory: pytest.TempPathFactory, sample_preset: Params) -> Path:
    """The folder of a tiny retrieval run; its weights are drawn, not learned, and it sees a garment everywhere."""
    values = sample_preset.model_dump()
    values["model"] |= {"shorter_edge": 64, "longer_edge": 104, "proposals_after_nms": (20, 8)}
    values["inference"] |= {"score_threshold": 0.0, "detections_per_image": 5}
    values["runs"], values["check"] = {"tiny": {"task": "retrieval", "schedule": "1x", "init_from": "initial"}}, {}
    retrieval = RetrievalParams(widths=(4, 4, 4, 8), embedding=16)
    run: RunConfig = Params.model_validate(values).run("tiny").model_copy(update={"retrieval": retrieval})
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model = build_model(run, torch.device("cpu"))
    save_model(model, run, folder)
    return folder
