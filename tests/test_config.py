"""params.yaml is checked whole, and every error names the file, the field and the value."""

from pathlib import Path

import pytest
import yaml

from matchrcnn.config import Params, RunConfig, dump, load_params, load_section
from matchrcnn.errors import UserError

ROOT = Path(__file__).parents[1]
RUN = {"task": "detection", "schedule": "1x", "init_from": "initial"}
PRESETS = sorted((ROOT / "pipelines").glob("*.yaml"))


@pytest.fixture
def values() -> dict:
    return yaml.safe_load((ROOT / "pipelines" / "sample.yaml").read_text())


def written(folder: Path, values: dict) -> Path:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_whole_and_says_what_it_needs(preset: Path) -> None:
    params = load_params(preset)
    assert params.preset == preset.stem
    head = preset.read_text().split("\npreset:")[0]
    assert all(word in head for word in ("# Needs:", "# Takes:", "# Reaches:"))


def test_a_preset_is_active() -> None:
    active = (ROOT / "params.yaml").read_text()
    assert active in [preset.read_text() for preset in PRESETS]


def test_a_run_overrides_the_shared_sections(values: dict) -> None:
    values["runs"]["detection"]["training"] = {"base_lr": 0.5}
    params = Params.model_validate(values)
    assert params.run("detection").training.base_lr == 0.5
    assert params.run("segmentation").training.base_lr == values["training"]["base_lr"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "sede: unknown key"),
        ({"seed": "many"}, "seed: .*integer.*'many'"),
        ({"runs": {}}, "runs: .*at least one run"),
        ({"check": {"nobody": {"box/overall/AP": 0.5}}}, "check names runs that do not exist: nobody"),
        ({"runs": {"a b": RUN}}, "runs.a b"),
        ({"runs": {"a": {**RUN, "schedule": "3x"}}}, "runs.a.schedule"),
        ({"runs": {"a": {**RUN, "init_from": "b"}}}, "runs.a.init_from: 'b' is neither 'initial' nor another run"),
        ({"runs": {"a": {**RUN, "training": {"lr": 1}}}}, "lr"),
    ],
)
def test_an_error_names_file_and_field(tmp_path: Path, values: dict, change: dict, message: str) -> None:
    path = written(tmp_path, values | change)
    with pytest.raises(UserError, match=message) as caught:
        load_params(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_broken_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_params(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("runs: [")
    with pytest.raises(UserError, match="not valid YAML"):
        load_params(broken)


def test_a_runs_configuration_survives_its_file(tmp_path: Path, values: dict) -> None:
    config = Params.model_validate(values).run("segmentation")
    path = tmp_path / "config.yaml"
    path.write_text(dump(config))
    assert load_section(path, RunConfig) == config


def test_an_unknown_run_names_those_that_exist(values: dict) -> None:
    with pytest.raises(UserError, match=r"nobody.*detection, segmentation"):
        Params.model_validate(values).run("nobody")


def test_settings_of_a_training_are_its_own_and_hold_no_inference(values: dict) -> None:
    values["runs"]["detection"] |= {"training": {"base_lr": 0.5}, "inference": {"nms_threshold": 0.4}}
    training, inference = Params.model_validate(values).settings("detection")
    assert training["training"] == values["training"] | {"base_lr": 0.5}
    assert training["threads"] == 1
    assert inference == values["inference"] | {"nms_threshold": 0.4, "threads": 1}
    assert not {"inference", "retrieval"} & set(training)
    assert "retrieval" in Params.model_validate(values).settings("retrieval_class").training


def test_settings_hold_what_is_stated_so_that_a_new_default_changes_none(values: dict) -> None:
    del values["training"]["skip_unreadable"], values["hardware"]["threads"]
    training, _ = Params.model_validate(values).settings("detection")
    assert "skip_unreadable" not in training["training"]
    assert training["threads"] == 1


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "a | b"])
def test_a_data_sets_name_fits_into_a_table(values: dict, name: str) -> None:
    with pytest.raises(ValueError, match=r"data\.name"):
        Params.model_validate(values | {"data": {"root": "data/sample", "name": name}})
