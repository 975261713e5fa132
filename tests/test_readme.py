"""Every command of the README is run by a test: here, by another test that says so with a mark, or by CI itself."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml

from matchrcnn.cli import main
from matchrcnn.config import Params
from tests.support.documented import lines, marked

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROGRAMS = ("make ", "dvc ", "matchrcnn ", "python -m ", "bash ")

BY_CI = {"make demo", "make test-all"}
"""Run by .ci/run, on any machine; they take minutes."""

BY_ANOTHER_TEST = {entry.start for entry in marked("README.md")}
"""Run by tests that say so: `@pytest.mark.documents("README.md", ...)`."""

DRY = {
    "make help": "make demo",
    "make setup DETECTRON2=/path/to/detectron2": 'uv pip install --no-deps --no-build-isolation "/path/to/detectron2"',
    "make bench": 'python -m "benchmarks.$name"',
    "make ui": "mlflow ui",
    "make test": '-m "not slow',
    "make wheel": "uv build",
    "make pictures": "python -m tools.pictures.report",
    "make chaos": "chaos",
    "make experiments": "dvc exp show",
}
"""Targets that install, measure or serve: what `make` would run holds this."""

HERE = {
    "matchrcnn inspect FOLDER": {"FOLDER": "{root}"},
    "matchrcnn inspect ROOT": {"ROOT": "{root}"},
    "matchrcnn convert ROOT/SPLIT -o F": {"ROOT/SPLIT": "{root}/validation", "F": "{out}/coco.json"},
    "matchrcnn export F -o F": {"F": "{out}/coco.json"},
    "matchrcnn evaluate --task segmentation --annotations data/coco/validation.json --results masks.json": {
        "data/coco/validation.json": "{out}/coco.json",
        "masks.json": "{out}/masks.json",
    },
    "matchrcnn evaluate --example": {},
    "matchrcnn compare .:detection .:detection_wide --html compare.html": {
        ".:detection": "{out}/project:detection",
        ".:detection_wide": "{out}/project:detection_wide",
        "compare.html": "{out}/compare.html",
    },
}
"""Run below on the tiny data set: command -> what stands for its placeholders."""


def commands() -> Iterator[str]:
    """Commands of the code blocks without a language and of the text, without what explains them."""
    for language, line in lines(ROOT / "README.md"):
        if language is None:
            yield from (code for code in re.findall(r"`([^`]+)`", line) if code.startswith(PROGRAMS))
        elif language in ("", "sh") and line.startswith(PROGRAMS):
            yield re.split(r"\s{2,}|\s+#", line)[0]


FOUND = dict.fromkeys(commands())
FORMS = [command for command in FOUND if command.endswith(" ...")]


def test_every_command_has_its_check_and_every_check_its_command() -> None:
    known = BY_CI | BY_ANOTHER_TEST | set(DRY) | set(HERE)
    assert set(FOUND) - set(FORMS) - known == set(), (
        'mark the tests that run these: @pytest.mark.documents("README.md", ...)'
    )
    assert known - set(FOUND) == set(), "the README has these no longer"


@pytest.mark.parametrize("command", sorted(BY_CI))
def test_ci_runs_what_takes_minutes(command: str) -> None:
    assert command in (ROOT / ".ci/run").read_text().splitlines()


@pytest.mark.documents("docs/mlflow.md", "make ui")
@pytest.mark.parametrize("command", DRY)
def test_make_would_run_it(command: str) -> None:
    arguments = command.split()[1:]
    dry = [] if arguments == ["help"] else ["--dry-run"]
    done = subprocess.run(["make", *dry, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert DRY[command] in done.stdout


@pytest.mark.parametrize("command", FORMS)
def test_a_form_names_a_command_that_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, name, *_ = command.split()
    assert program == "matchrcnn"
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage: matchrcnn" in capsys.readouterr().out


@pytest.fixture(scope="module")
def places(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A data set, and a folder with converted annotations, masks and the reports of two runs."""
    out = tmp_path_factory.mktemp("readme")
    assert main(["convert", str(tiny_root / "validation"), "-o", str(out / "coco.json")]) == 0
    coco = orjson.loads((out / "coco.json").read_bytes())
    item = coco["annotations"][0]
    size = next([image["height"], image["width"]] for image in coco["images"] if image["id"] == item["image_id"])
    mask = {key: item[key] for key in ("image_id", "category_id")} | {"score": 0.9}
    mask["segmentation"] = {"size": size, "counts": [size[0] * size[1] - 9, 9]}
    from pycocotools import mask as masks

    mask["segmentation"] = masks.frPyObjects(mask["segmentation"], *size)
    mask["segmentation"]["counts"] = mask["segmentation"]["counts"].decode()
    (out / "masks.json").write_bytes(orjson.dumps([mask]))
    for name, value in (("detection", 0.5), ("detection_wide", 0.6)):
        report = out / "project/reports" / name
        report.mkdir(parents=True)
        (report / "metrics.json").write_bytes(orjson.dumps({"box": {"overall": {"AP": value}}}))
    return {"root": str(tiny_root), "out": str(out)}


@pytest.mark.parametrize("command", HERE)
def test_it_runs(command: str, places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    meant = {name: value.format_map(places) for name, value in HERE[command].items()}
    _, *arguments = (meant.get(word, word) for word in shlex.split(command))
    if "export" in arguments:
        arguments[-1] = arguments[-1].replace("coco", "official")
    assert main(arguments) == 0
    assert capsys.readouterr().out


def test_the_readme_names_every_command_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^    ([\w-]+) ", capsys.readouterr().out, re.MULTILINE)
    assert {"inspect", "compare"} <= set(listed)
    assert set(listed) - {command.split()[1] for command in FOUND if command.startswith("matchrcnn ")} == set()


def test_the_entries_of_runs_in_the_readme_are_valid_parameters() -> None:
    (block,) = re.findall(r"^```yaml\n(runs:.*?)^```", README, re.DOTALL | re.MULTILINE)
    values = yaml.safe_load((ROOT / "params.yaml").read_text()) | yaml.safe_load(block) | {"check": {}}
    assert set(Params.model_validate(values).runs) == {"detection", "detection_wide"}
