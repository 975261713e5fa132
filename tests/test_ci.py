"""CI: a workflow that only calls scripts of the repository, and one comment that is updated."""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from matchrcnn.reporting.charts.mermaid import MARK
from matchrcnn.reporting.compare.pull_request import MARKER, comment

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
STEPS = WORKFLOW["jobs"]["benchmarks"]["steps"]

GH = """#!/usr/bin/env python3
import json, os, subprocess, sys
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if "--paginate" in sys.argv:
    for page in json.loads(os.environ["PAGES"]):
        subprocess.run(["jq", "--raw-output", sys.argv[-1]], input=json.dumps(page).encode(), check=True)
"""
"""What stands for GitHub's program: it notes how it was called, and asks of each page of comments what it was asked."""

BOT, PERSON = {"type": "Bot"}, {"type": "User"}
OTHERS = [
    {"id": 29, "user": PERSON, "body": "<!-- ours --> quoted by a person"},
    {"id": 30, "user": BOT, "body": "another robot's, on <!-- ours -->"},
]
OWN = [{"id": number, "user": BOT, "body": "<!-- ours -->\n\n# Tables of yesterday"} for number in (31, 32)]


@pytest.mark.documents("README.md", "bash .ci/run")
def test_the_workflow_runs_what_every_machine_can_run() -> None:
    commands = [step["run"] for step in STEPS if "run" in step]
    assert "bash .ci/run" in commands
    assert all(len(command.splitlines()) == 1 for command in commands)
    scripts = [script for command in commands for script in re.findall(r"bash (\S+)", command)]
    assert all((ROOT / script).is_file() for script in scripts)
    assert all("@" in step["uses"] for step in STEPS if "uses" in step)


def test_the_whole_history_is_fetched_packages_are_cached_and_reports_kept() -> None:
    actions = {step["uses"].split("@")[0]: step.get("with", {}) for step in STEPS if "uses" in step}
    assert actions["actions/checkout"]["fetch-depth"] == 0
    assert "hashFiles('requirements/*')" in actions["actions/cache"]["key"]
    cache = WORKFLOW["jobs"]["benchmarks"]["env"]["UV_CACHE_DIR"]
    assert cache.endswith(f"/{actions['actions/cache']['path']}")
    assert actions["actions/upload-artifact"]["path"] == "reports"


def test_a_fork_may_not_comment_and_no_expression_of_a_stranger_reaches_a_shell() -> None:
    comment = STEPS[-1]
    assert "head.repo.full_name == github.repository" in comment["if"]
    assert not any("${{" in step["run"] for step in STEPS if "run" in step)


def test_ci_checks_style_and_tests_and_runs_the_demo_twice_before_the_report() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make ")] == [
        "make lint",
        "make test-all",
        "make demo",
        "make demo",
        "make report",
    ]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(
    ("pages", "method", "path"),
    [
        ([[]], "POST", "repos/o/n/issues/7/comments"),
        ([OTHERS], "POST", "repos/o/n/issues/7/comments"),
        ([OTHERS, OWN], "PATCH", "repos/o/n/issues/comments/31"),
    ],
)
def test_the_own_comment_is_found_by_its_first_line_and_updated(
    tmp_path: Path, pages: list, method: str, path: str
) -> None:
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(GH)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    page = tmp_path / "a page.md"
    page.write_text("<!-- ours -->\n\n# Tables\n")
    environment = {"CALLS": str(tmp_path / "calls"), "PAGES": json.dumps(pages)}
    environment |= {"GITHUB_REPOSITORY": "o/n", "PULL_REQUEST": "7"}
    environment["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", ROOT / ".ci/comment", page], env=environment, check=True)
    listed, written = map(json.loads, (tmp_path / "calls").read_text().splitlines())
    assert listed[:3] == ["api", "--paginate", "repos/o/n/issues/7/comments"]
    assert written[:6] == ["api", "--method", method, path, "--field", f"body=@{page}"]


def test_the_comment_begins_with_the_line_that_it_is_found_by_and_has_differences_first() -> None:
    text = comment(f"# Tables\n{MARK}\n<details>plots</details>\n", "no-such-base", ROOT)
    assert text.splitlines()[0] == MARKER
    assert set(MARKER).isdisjoint({'"', "\\"})  # the script puts it into a filter of jq
    order = [text.index(part) for part in ("# This change", "# Tables", "<details>plots")]
    assert order == sorted(order)
