"""Models in MLflow's registry: trained runs that reached their thresholds, the best of them under an alias."""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

import matchrcnn
from matchrcnn.tracking.store import Store
from matchrcnn.tracking.subject import Subject

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

FOLDER = "served"
"""Where a run keeps its MLflow model."""

CHAMPION = "champion"
VALUE = "headline"
"""Tag with the number by which versions are compared."""

REQUIREMENTS = (
    "mlflow", "torch", "torchvision", "sal-detectron2", "numpy", "pandas", "pillow", "pycocotools", "pydantic",
    "pyyaml", "safetensors", "orjson",
)  # fmt: skip


def model_name(subject: Subject) -> str:
    """Name the registered model of a run: it holds the runs of one task on one data set, which can be compared."""
    return "-".join([*subject.experiment.lower().split(), subject.tags["task"]])


def register(store: Store, run_id: str, subject: Subject, folder: Path, model: str, metric: str, value: float) -> None:
    """Register a run's model, once; it becomes the champion when no version of its model has a better number.

    Args:
        store: of the run.
        run_id: the run in MLflow.
        subject: the run.
        folder: models/RUN.
        model: digest of the weights.
        metric: what the value measures, in words.
        value: the number by which versions are compared.
    """
    name = model_name(subject)
    if not store.client.search_registered_models(f"name = '{name}'"):
        store.client.create_registered_model(
            name,
            description=f"Match R-CNN for {subject.tags['task']}, trained on {subject.data}: pictures in, a table of "
            f"garments out. Versions reached the thresholds of their preset; `{CHAMPION}` has the best {metric}.",
        )
    versions = _versions(store, name)
    if all(known.tags.get("model_sha256") != model for known in versions):
        _log(store, run_id, folder)
        tags = {"model_sha256": model, "run": subject.name, VALUE: repr(value)}
        source = f"{store.client.get_run(run_id).info.artifact_uri}/{FOLDER}"
        store.client.create_model_version(name, source, run_id, tags, description=f"{metric} {value:.3f}")
    _crown(store, name)


def _versions(store: Store, name: str) -> "list[ModelVersion]":
    return list(store.client.search_model_versions(f"name = '{name}'"))


def _crown(store: Store, name: str) -> None:
    """Make the best version the champion; of equal ones the first."""
    best = max(_versions(store, name), key=lambda known: (float(known.tags.get(VALUE, 0)), -int(known.version)))
    aliases = store.client.get_registered_model(name).aliases
    if str(aliases.get(CHAMPION)) != str(best.version):
        store.client.set_registered_model_alias(name, CHAMPION, best.version)


def _log(store: Store, run_id: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        write_model(folder, Path(work) / FOLDER)
        store.client.log_artifacts(run_id, str(Path(work) / FOLDER), FOLDER)


def write_model(folder: Path, output: Path) -> None:
    """Write a trained run as an MLflow model: its files, this package, signature, example and requirements."""
    with tempfile.TemporaryDirectory() as work, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on type hints, MLflow's own among them: the signature is given
        import mlflow.pyfunc

        example = Path(work) / "example.png"
        Image.new("RGB", (64, 64), "white").save(example)
        mlflow.pyfunc.save_model(
            output,
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={"run": str(folder)},
            code_paths=[str(Path(matchrcnn.__file__).parent)],
            signature=_signature(),
            input_example=_example(example.read_bytes()),
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )


def _example(picture: bytes) -> Any:  # noqa: ANN401 (a table and its parameters, as MLflow takes them)
    import pandas as pd

    return pd.DataFrame({"image": [picture]}), {"min_score": 0.5}


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    numbers = [ColSpec("double", name) for name in ("score", "x1", "y1", "x2", "y2")]
    return ModelSignature(
        inputs=Schema([ColSpec("binary", "image")]),
        outputs=Schema(
            [
                ColSpec("long", "picture"),
                ColSpec("long", "category_id"),
                ColSpec("string", "category"),
                *numbers,
                ColSpec("string", "mask", required=False),
                ColSpec("string", "landmarks", required=False),
            ]
        ),
        params=ParamSchema([ParamSpec("min_score", "double", 0.5)]),
    )
