"""A command whose extra is not installed names it, in one line."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from matchrcnn.cli import extras, main, scores

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "hydra": "hydra-core",
    "pynvml": "nvidia-ml-py",
    "faiss": "faiss-cpu",
    "faster_coco_eval": "faster-coco-eval",
}
"""Modules that are named otherwise than their distribution."""


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[ \[<>=]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize(
    ("command", "absent", "answer"),
    [
        ("predict x", "torch", "matchrcnn predict: needs torch; pip install 'matchrcnn[photos]'\n"),
        ("search x --gallery y", "torch", "matchrcnn search: needs torch; pip install 'matchrcnn[photos]'\n"),
        ("export-onnx x -o y", "onnx", "matchrcnn export-onnx: needs onnx; pip install 'matchrcnn[onnx]'\n"),
        ("export-onnx x -o y", "torch", "matchrcnn export-onnx: needs torch; pip install 'matchrcnn[onnx]'\n"),
        ("predict x", "detectron2", f"matchrcnn predict: {extras.DETECTRON2}\n"),
    ],
)
def test_a_missing_extra_is_named(
    command: str, absent: str, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == absent else found(name))
    assert main(command.split()) == 2
    assert capsys.readouterr().err == answer


def test_a_module_that_is_found_missing_later_is_named_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "a.json").touch()
    monkeypatch.setattr(scores, "_evaluate_detections", lambda _: __import__("pandas.core"))
    assert main(["evaluate", "--task", "detection", "--results", str(tmp_path / "a.json")]) == 2
    assert capsys.readouterr().err == "matchrcnn evaluate: needs pandas; pip install 'matchrcnn[photos]'\n"


def test_a_module_of_no_extra_is_a_fault_of_the_program() -> None:
    with pytest.raises(ModuleNotFoundError), extras.naming_extras("predict"):
        __import__("matchrcnn.no_such_module")


@pytest.mark.parametrize("extra", extras.EXTRAS)
def test_the_modules_of_an_extra_are_what_it_installs(extra: str) -> None:
    brought = names(PROJECT["optional-dependencies"][extra])
    assert {DISTRIBUTIONS.get(module, module) for module in extras.EXTRAS[extra]} <= brought


def test_all_brings_every_extra_that_a_user_needs() -> None:
    (everything,) = PROJECT["optional-dependencies"]["all"]
    assert set(re.findall(r"\w+", everything)) == {"matchrcnn", *extras.EXTRAS} - {"dev"}


def test_the_package_itself_needs_few_and_no_torch() -> None:
    assert 8 <= len(PROJECT["dependencies"]) <= 12
    assert "torch" not in names(PROJECT["dependencies"])
