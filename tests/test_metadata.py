"""Licence, citation and changelog agree with pyproject.toml."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
TEXTS = [ROOT / name for name in ("CITATION.cff", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")]


def test_the_citation_names_this_version_and_the_paper() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"] == "Apache-2.0"
    (paper,) = CITATION["references"]
    assert paper["authors"][0]["family-names"] == "Ge"
    assert [each["value"] for each in paper["identifiers"]] == ["arXiv:1901.07973"]


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first
    assert first[1] == PROJECT["version"].partition(".dev")[0]


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "9. Accepting Warranty or Additional Liability" in text


def test_no_text_names_an_address_of_a_person() -> None:
    assert [path.name for path in TEXTS if re.search(r"[\w.]+@[\w-]+\.\w+", path.read_text())] == []


def test_pages_wrap_at_100_columns() -> None:
    long = [path.name for path in TEXTS[1:3] for line in path.read_text().splitlines() if len(line) > 100]
    assert long == []


def test_a_setup_for_the_cpu_takes_torch_from_another_index_and_nothing_of_cuda() -> None:
    done = subprocess.run(["make", "--dry-run", "-B", "setup", "CPU=1"], cwd=ROOT, capture_output=True, text=True)
    assert "--torch-backend cpu" in done.stdout
    (script,) = re.findall(r"awk '(.+?)'", done.stdout)
    lock = ROOT / "requirements/requirements.lock"
    kept = subprocess.run(["awk", script, lock], capture_output=True, text=True, check=True).stdout
    names = [set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE)) for text in (lock.read_text(), kept)]
    left_out = names[0] - names[1]
    assert {"torch", "torchvision", "triton"} <= left_out
    assert all(name.startswith(("torch", "triton", "cuda-", "nvidia-")) for name in left_out)
    assert "nvidia-ml-py" in names[1]
