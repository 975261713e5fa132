"""The wheel in clean environments: few packages, no torch, and every command that needs none.

The lowest Python gets the lowest versions that pyproject.toml allows, the other one the newest.
"""

import json
import os
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MEGABYTES = 300
CASES = (("3.11", "lowest-direct"), ("3.13", "highest"), ("3.12", "highest"))
"""Python and resolution; the last is for machines without the one before."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")]

Run = Callable[..., subprocess.CompletedProcess[str]]


def pythons() -> dict[str, str]:
    """Version -> interpreter: those on the PATH, and those that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version, _ in CASES:
        own = [str(path) for path in sorted(kept.glob(f"{version}.*/bin/python{version}"))]
        if path := next(iter(own), shutil.which(f"python{version}")):
            found[version] = path
    return found


FOUND = pythons()
CHOSEN = [case for case in CASES if case[0] in FOUND][:2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it, of the files that git would commit."""
    sources, folder = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE", "matchrcnn"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, sources / name)
    built = [line.split() for line in (ROOT / "Makefile").read_text().splitlines() if "uv build" in line]
    assert built == [["uv", "build", "--quiet", "--no-build-isolation"]]
    subprocess.run([*built[0], "--out-dir", folder], cwd=sources, check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session", params=CHOSEN, ids=[version for version, _ in CHOSEN])
def clean(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a clean environment into which the wheel was installed."""
    version, resolution = request.param
    folder = tmp_path_factory.mktemp("clean") / version
    subprocess.run(["uv", "venv", "--quiet", "--python", FOUND[version], folder], check=True)
    python = folder / "bin" / "python"
    install = ["uv", "pip", "install", "--quiet", "--python", python, "--resolution", resolution, wheel]
    subprocess.run(install, check=True, env={**os.environ, "VIRTUAL_ENV": str(folder)})
    return python.parent


@pytest.fixture
def run(clean: Path, tmp_path: Path) -> Run:
    """Call the installed `matchrcnn` in an empty folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def call(*argv: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [clean / "matchrcnn", *argv]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    return call


@pytest.mark.skipif(len(CHOSEN) < 2 and "CI" not in os.environ, reason="only one of these versions is installed")
def test_two_versions_of_python_are_tried() -> None:
    assert len(CHOSEN) == 2, f"of {', '.join(version for version, _ in CASES)} only {', '.join(FOUND)} found"


def test_the_wheel_holds_the_package_its_files_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "matchrcnn").rglob("*") if path.is_file()}
    assert names == {name for name in own if "__pycache__" not in name}


def test_few_packages_no_torch_and_few_megabytes(clean: Path) -> None:
    listed = subprocess.run(
        ["uv", "pip", "list", "--python", clean / "python", "--format", "json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    packages = {package["name"] for package in json.loads(listed.stdout)}
    assert "torch" not in packages
    assert len(packages) < 25
    size = sum(path.stat().st_size for path in clean.parent.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < MEGABYTES * 1e6


def test_version_and_completion(run: Run) -> None:
    assert run("--version").stdout == f"matchrcnn {PROJECT['version']}\n"
    assert "evaluate" in run("--print-completion", "bash").stdout


def test_evaluate_scores_the_shipped_example(run: Run, tmp_path: Path) -> None:
    assert "0.686" in run("evaluate", "--example", "--output", "metrics.json").stdout
    metrics = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    assert metrics["box"]["overall"]["AP50"] == pytest.approx(0.686, abs=5e-4)


def test_inspect_convert_export_and_compare(run: Run, tmp_path: Path, tiny_root: Path) -> None:
    assert "validation" in run("inspect", str(tiny_root)).stdout
    assert "16 images" in run("convert", str(tiny_root / "validation"), "-o", "coco.json").stdout
    assert "entries" in run("export", "coco.json", "-o", "official.json").stdout
    for name, value in (("a", 0.5), ("b", 0.6)):
        report = tmp_path / "reports" / name
        report.mkdir(parents=True)
        (report / "metrics.json").write_bytes(orjson.dumps({"box": {"overall": {"AP": value}}}))
    assert "+0.100" in run("compare", ".:a", ".:b", "--html", "compare.html").stdout
    assert (tmp_path / "compare.html").is_file()


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("predict photos", "matchrcnn predict: needs torch; pip install 'matchrcnn[photos]'\n"),
        ("search a.jpg --gallery shop", "matchrcnn search: needs torch; pip install 'matchrcnn[photos]'\n"),
        ("export-onnx detection -o d.onnx", "matchrcnn export-onnx: needs onnx; pip install 'matchrcnn[onnx]'\n"),
    ],
)
def test_a_command_names_the_extra_that_it_needs(call: str, answer: str, run: Run) -> None:
    assert run(*call.split(), code=2).stderr == answer
