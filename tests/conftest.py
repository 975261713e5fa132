"""The presets, and a tiny sample data set that is drawn and converted once; in which order files are tested."""

from collections.abc import Callable
from pathlib import Path

import pytest

from matchrcnn.config import Params, RunConfig, SampleParams, load_params
from tests.support import examples  # noqa: F401 (registers hypothesis' profiles before --hypothesis-profile is read)

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process is left with one when the others are done."""
    long = {item.path for item in items if item.get_closest_marker("slow") or "pipeline" in item.path.parts}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def sample_preset() -> Params:
    """The sample preset as shipped."""
    return load_params(ROOT / "pipelines" / "sample.yaml")


@pytest.fixture(scope="session")
def paper_preset() -> Params:
    """The paper preset as shipped."""
    return load_params(ROOT / "pipelines" / "paper.yaml")


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample data set of a few images, in the original layout."""
    from matchrcnn.data.sample import write_sample

    root = tmp_path_factory.mktemp("tiny") / "data"
    write_sample(root, SampleParams(seed=3, train_images=24, validation_images=16), workers=1)
    return root


@pytest.fixture(scope="session")
def tiny_splits(tiny_root: Path) -> dict:
    """Split name -> converted split of the tiny data set."""
    from matchrcnn.data.convert import convert
    from matchrcnn.data.split import Split

    splits = {}
    for name in ("train", "validation"):
        annotations = tiny_root.parent / f"{name}.json"
        convert(tiny_root / name, annotations, workers=1)
        splits[name] = Split(annotations, tiny_root / name / "image")
    return splits


@pytest.fixture(scope="session")
def tiny_run(sample_preset: Params) -> Callable[..., RunConfig]:
    """Makes the configuration of a run of a few iterations on the tiny data set."""

    def make(task: str, **training: object) -> RunConfig:
        values = sample_preset.model_dump()
        values["training"] |= {"epochs_1x": 1, "minibatch": 4, "log_every": 2, "checkpoint_every": 3}
        values["training"] |= {"validation_images": 4, "warmup_iterations": 2} | training
        values["runs"], values["check"] = {"tiny": {"task": task, "schedule": "1x", "init_from": "initial"}}, {}
        return Params.model_validate(values).run("tiny")

    return make
