"""What MLflow is told of a run reads well and can be searched."""

import pytest
import yaml

from matchrcnn.config import Params, RunConfig
from matchrcnn.project import Project, Run
from matchrcnn.tracking.store import shown_uri
from matchrcnn.tracking.subject import changes, curve_name, describe, flat_params
from tests.conftest import ROOT
from tests.support.tracked_store import SUMMARY


def variant(preset: Params, **training: object) -> Run:
    values = preset.model_dump()
    values["runs"]["detection"]["training"] = training
    return Project(ROOT, Params.model_validate(values)).run("detection")


def test_parameters_are_the_paths_of_params_yaml_spelled_as_there(config: RunConfig) -> None:
    params = flat_params(config)
    assert params["training.base_lr"] == "0.002"
    assert params["training.mixed_precision"] == "false"
    assert params["model.initial_weights"] == "null"
    for path, value in params.items():
        own = config.model_dump(mode="json")
        for key in path.split("."):
            own = own[key]
        spelled = f"[{value}]" if isinstance(own, list) else value
        assert yaml.safe_load(spelled) == own or spelled == str(own)


@pytest.mark.parametrize(
    ("training", "name"),
    [
        ({}, "detection"),
        ({"base_lr": 0.001}, "detection base_lr=0.001"),
        ({"base_lr": 0.001, "flip": False, "momentum": 0.8}, "detection base_lr=0.001 momentum=0.8 +1"),
    ],
)
def test_a_runs_name_says_what_differs_from_its_preset(sample_preset: Params, training: dict, name: str) -> None:
    own = variant(sample_preset, **training)
    assert describe(own, own.settings, SUMMARY).name == name


def test_the_description_names_every_change_with_what_the_preset_has(sample_preset: Params) -> None:
    own = variant(sample_preset, base_lr=0.001)
    note = describe(own, own.settings, SUMMARY).note
    assert "`training.base_lr` 0.001 (preset: 0.002)" in note
    assert "4 iterations on 10 images of test data" in note


def test_sections_that_one_of_both_lacks_are_changes(sample_preset: Params) -> None:
    values = sample_preset.model_dump()
    values["runs"]["detection"]["task"] = "retrieval"
    retrieval = Params.model_validate(values).run("detection")
    found = changes(retrieval, sample_preset.run("detection"))
    assert found["task"] == ("detection", "retrieval")
    assert found["retrieval.variant"] == ("", "class")


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("total_loss", "training/total_loss"),
        ("epoch", "training/epoch"),
        ("val_total_loss", "validation/total_loss"),
        ("seconds_waiting_for_data", "time/seconds_waiting_for_data"),
        ("pairs/positive", "pairs/positive"),
    ],
)
def test_curves_are_grouped(column: str, name: str) -> None:
    assert curve_name(column) == name


def test_a_password_is_not_shown() -> None:
    assert shown_uri("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert shown_uri("sqlite:///mlflow.db") == "sqlite:///mlflow.db"
