"""A mistyped name is answered at once, with what was meant; nothing is left behind."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from matchrcnn.cli import parser
from matchrcnn.cli.checks import check, named_runs, trained_run
from matchrcnn.errors import UserError

SECONDS = 1.5
"""CPU time that an answer to a mistake may take; torch and detectron2 alone take five to ten times as much."""

WRONG = [
    ("evalute", "did you mean evaluate?"),
    ("predict nofolder", "nofolder: no such file or folder"),
    ("predict nofolder --run detection", "nofolder: no such file or folder"),
    ("predict photo", "did you mean photos?"),
    ("predict photos --run detecton", "did you mean detection?"),
    ("predict photos --run detection --gallery shp", "did you mean shop?"),
    ("predict photos --min-score 2", "must be a number from 0 to 1"),
    ("predict photos --rnu detection", "unrecognized arguments"),
    ("predict empty", "no pictures"),
    ("search photos/a.jpg --gallery shp", "did you mean shop?"),
    ("search photos/a.jpg --gallery shop --run landmark", "did you mean landmarks?"),
    ("export-onnx detecton -o x.onnx", "did you mean detection?"),
    ("export-onnx detection -o x.onnx --check photo", "did you mean photos?"),
    ("evaluate --task detecton --results r.json", "did you mean detection?"),
    ("evaluate --task detection --results r.json", "r.json: no such file or folder"),
    ("evaluate --task detection --annotations params.yml --results r.json", "did you mean params.yaml?"),
    ("evaluate --task detection --annotations photos --results params.yaml", "photos: is a folder; a file is expected"),
    ("evaluate --task retrieval --query photos --gallery shop --results params.yaml", "photos: is a folder; a file is"),
    ("evaluate --task retrieval --annotations params.yaml --results shop", "shop: is a folder; a file is expected"),
    ("evaluate --task detection --results params.yaml --output shop", "shop: is a folder; give the name of a file"),
    ("evaluate --task detection --results params.yaml --output params.yaml", "params.yaml: is read by this command"),
    ("evaluate --task detection --results params.yaml --query params.yaml", "--query: is for --task retrieval"),
    (
        "evaluate --task retrieval --results params.yaml --annotations params.yaml --query params.yaml",
        "--query: cannot be given with --annotations",
    ),
    (
        "evaluate --task retrieval --results params.yaml --annotations params.yaml --subsets all_images",
        "--subsets: retrieval has one rule",
    ),
    ("convert photos -o shop", "shop: is a folder; give the name of a file"),
    ("convert photos -o x.json --report shop", "shop: is a folder; give the name of a file"),
    ("convert photos -o x.json --report ./x.json", "x.json: is to be written twice"),
    ("convert photos -o params.yaml/x.json", "params.yaml is no folder"),
    ("export params.yaml -o shop", "shop: is a folder; give the name of a file"),
    ("export params.yaml -o photos/../params.yaml", "params.yaml: is read by this command"),
    ("compare . . -o shop", "shop: is a folder; give the name of a file"),
    ("compare .", "name two versions or more"),
    ("compare .:detecton .:landmarks", "did you mean detection?"),
    ("compare nope .", "neither a folder with reports nor a git revision"),
    ("convert data/train -o x.json", "data/train: no such folder"),
    ("export nope.json -o x.json", "nope.json: No such file or directory"),
    ("inspect nope", "nope: no such folder"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with photos, a shop and the files of two runs, empty ones."""
    for name in ("photos/a.jpg", "shop/b.jpg", "params.yaml", "models/initial/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for run in ("detection", "landmarks"):
        (tmp_path / "models" / run).mkdir()
        for name in ("model.safetensors", "config.yaml"):
            (tmp_path / "models" / run / name).touch()
        (tmp_path / "reports" / run).mkdir(parents=True)
        (tmp_path / "reports" / run / "metrics.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(("call", "answer"), WRONG, ids=[call for call, _ in WRONG])
def test_a_mistake_is_answered_at_once(call: str, answer: str, project: Path) -> None:
    before = sorted(project.rglob("*"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "matchrcnn", *call.split()]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 2
    assert answer in done.stderr
    assert "Traceback" not in done.stderr
    assert now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime < SECONDS
    assert sorted(project.rglob("*")) == before, "nothing is left behind"


def test_the_command_line_itself_loads_nothing_heavy() -> None:
    heavy = {"torch", "detectron2", "numba", "numpy", "pandas", "pydantic", "yaml", "shtab", "PIL"}
    command = f"import sys, matchrcnn.cli as c; c.parser(); print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_run_goes_by_its_name_or_by_its_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("models/detection")
    monkeypatch.chdir(project)
    assert trained_run(Path("detection")) == trained_run(folder) == folder
    assert trained_run(project / folder) == project / folder
    (project / "detection").mkdir()  # any other folder of that name is not meant
    assert named_runs([Path("detection"), Path("landmarks")]) == (folder, Path("models/landmarks"))
    assert named_runs([]) == ()


def test_initial_weights_are_no_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(UserError, match=r"inital: .*\(runs in models: detection, landmarks\)"):
        trained_run(Path("inital"))


def test_a_project_without_runs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no trained run in it; train one"):
        named_runs([])


def test_one_input_that_exists_is_enough(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are reported and counted: the command goes on to the run, which is none here."""
    monkeypatch.chdir(project)
    with pytest.raises(UserError, match=r"no model.safetensors"):
        check(parser().parse_args(["predict", "absent.jpg", "photos/a.jpg", "--run", "nothing"]))


def test_the_old_name_of_an_option_still_works() -> None:
    asked = ["search", "a.jpg", "--gallery", "shop"]
    new, old = (parser().parse_args([*asked, name, "retrieval"]) for name in ("--run", "--model"))
    assert new.model == old.model == Path("retrieval")
