"""Versions by what git and DVC know of them: a real repository with a DVC cache, never touched by a comparison."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matchrcnn.cli import main
from matchrcnn.reporting.charts.mermaid import MARK
from matchrcnn.reporting.compare.pull_request import MARKER, comment
from matchrcnn.reporting.compare.revisions import find_commit, unpack

DVC = (sys.executable, "-m", "dvc")


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, evaluated: dict[float, Path], git: Callable[..., str]
) -> Iterator[Path]:
    """A branch `good` with its resamples in DVC's cache, and `main` where the run is ruined."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
            patch.setenv(name, "tester")
        patch.setenv("DVC_NO_ANALYTICS", "true")
        project = tmp_path_factory.mktemp("made") / "part of it"
        project.mkdir()
        git(project.parent, "init", "-q", "-b", "main")
        git(project, "init", "-q", "--subdir", program=DVC)
        for branch, ruined, rate in (("good", 0.0, "0.001"), ("main", 0.5, "0.004")):
            shutil.copytree(evaluated[ruined], project / "reports/detection", dirs_exist_ok=True)
            (project / "params.yaml").write_text(f"training: {{base_lr: {rate}}}\n")
            git(project, "add", "-q", "reports/detection/resamples.npz", program=DVC)
            git(project, "add", "-A")
            git(project, "commit", "-q", "-m", branch)
            if branch == "good":
                git(project, "branch", "good")
        yield project.parent


@pytest.fixture
def repository(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, the project in a folder of the repository."""
    shutil.copytree(made, tmp_path / "whole repository")
    monkeypatch.chdir(tmp_path / "whole repository" / "part of it")
    return Path.cwd()


def state(project: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in project.parent.rglob("*") if path.is_file() and "tmp" not in path.parts)
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.mark.slow
def test_revisions_and_the_folder_are_compared_in_pairs_and_nothing_is_touched(
    repository: Path,
    capsys,  # noqa: ANN001
) -> None:
    before = {path: content for path, content in state(repository).items() if "/.git/" not in path}
    assert main(["compare", "good", "."]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[2].startswith("Worse: detection: box")
    assert "training.base_lr" in text
    assert {path: content for path, content in state(repository).items() if "/.git/" not in path} == before
    assert main(["compare", "good:detection", "HEAD:detection"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == text.splitlines()[2]


@pytest.mark.documents("README.md", "matchrcnn compare main my-branch")
def test_without_the_cache_the_values_stay_and_the_reason_is_told(repository: Path, capsys) -> None:  # noqa: ANN001
    shutil.rmtree(repository / ".dvc/cache")
    assert main(["compare", "good", "main"]) == 0
    text = capsys.readouterr().out
    assert "Not judged: detection: box" in text
    assert "neither in DVC's cache nor in its remote" in text


def test_an_experiment_is_found_by_its_name(repository: Path, git: Callable[..., str]) -> None:
    good = git(repository, "rev-parse", "good")
    git(repository, "update-ref", f"refs/exps/ab/{'c' * 38}/tried-once", good)
    assert find_commit("tried-once") == good
    assert find_commit("tried") is None
    git(repository, "update-ref", f"refs/exps/cd/{'e' * 38}/tried-once", "HEAD")
    with pytest.raises(Exception, match="2 experiments have this name"):
        find_commit("tried-once")


@pytest.mark.parametrize("name", ["--all", "-h", "good..main", "HEAD:params.yaml", "", "nobody"])
def test_what_is_no_commit_is_none(repository: Path, name: str) -> None:
    assert find_commit(name) is None


def test_a_commit_without_reports_says_so(repository: Path, git: Callable[..., str], capsys) -> None:  # noqa: ANN001
    git(repository, "rm", "-rq", "--cached", "reports")
    git(repository, "commit", "-q", "-m", "no reports")
    assert main(["compare", "good", "HEAD"]) == 2
    assert "holds no reports/RUN/metrics.json" in capsys.readouterr().err


def test_links_in_a_commit_lead_nowhere(repository: Path, git: Callable[..., str], tmp_path: Path) -> None:
    (repository / "reports/way out").symlink_to(tmp_path)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "link")
    with pytest.raises(Exception, match="reports"):
        unpack(find_commit("HEAD") or "", ("reports",), repository, tmp_path / "target")


def test_outside_of_a_repository_folders_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_commit("HEAD") is None


def test_a_pull_request_begins_with_the_differences_to_where_it_left_its_base(
    repository: Path, git: Callable[..., str]
) -> None:
    git(repository, "checkout", "-q", "-b", "elsewhere", "good")
    git(repository, "commit", "-q", "--allow-empty", "-m", "the base goes on")
    git(repository, "checkout", "-q", "main")
    text = comment(f"# Benchmarks\n\n{MARK}\nplots\n", "elsewhere")
    assert text.splitlines()[0] == MARKER
    base = git(repository, "rev-parse", "--short=8", "good")
    assert f"# this change compared with elsewhere ({base})" in text
    assert text.index("Worse: detection: box") < text.index("# Benchmarks") < text.index("plots")


@pytest.mark.parametrize(("base", "reason"), [("nobody", "no common commit here"), ("orphan", "no common commit here")])
def test_without_a_base_the_tables_stay_and_the_reason_is_told(
    repository: Path, git: Callable[..., str], base: str, reason: str
) -> None:
    git(repository, "branch", "orphan", git(repository, "commit-tree", "HEAD^{tree}", "-m", "no parent"))
    text = comment("# Benchmarks\n", base)
    assert reason in text
    assert text.endswith("# Benchmarks\n")


def test_what_is_too_long_for_a_comment_loses_its_plots_first_then_its_tables(repository: Path) -> None:
    tables = comment(f"# Benchmarks\n{MARK}{'plots' * 20_000}", "main")
    assert "# Benchmarks" in tables
    assert tables.endswith("\n\nPlots do not fit a comment: see reports/benchmarks.md.\n")
    differences = comment(f"# Benchmarks {'tables' * 20_000}{MARK}plots", "main")
    assert differences.endswith("\n\nTables and plots do not fit a comment: see reports/benchmarks.md.\n")
    assert "The same results in every run" in differences
    assert max(map(len, (tables, differences))) < 65_536
