"""The comment of a pull request: how the change moves the benchmarks."""

from dataclasses import replace
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.reporting.charts.mermaid import MARK
from matchrcnn.reporting.compare.pages import to_markdown_page
from matchrcnn.reporting.compare.revisions import merge_base
from matchrcnn.reporting.compare.tables import Comparison, compare_versions
from matchrcnn.reporting.compare.versions import opened

MARKER = "<!-- matchrcnn: benchmarks -->"
"""First line of the comment, by which the next run finds and replaces it."""

LIMIT = 65_000
"""Characters; GitHub takes 65,536."""


def comment(benchmarks: str, base: str, project: Path = Path()) -> str:
    """Differences to where the change left `base`, then the tables, then the plots; what is too long is left out.

    Args:
        benchmarks: the text of reports/benchmarks.md.
        base: a git revision, as `origin/main`.
        project: its reports are those of the change.
    """
    tables, mark, plots = benchmarks.partition(MARK)
    parts = [f"{MARKER}\n\n{_differences(base, project)}", tables, f"{mark}{plots}"]
    while sum(map(len, parts)) > LIMIT and len(parts) > 1:
        parts.pop()
    left_out = ("", "Plots", "Tables and plots")[3 - len(parts)]
    text = "\n".join(parts)[:LIMIT].rstrip()
    return text + (f"\n\n{left_out} do not fit a comment: see reports/benchmarks.md.\n" if left_out else "\n")


def _differences(base: str, project: Path) -> str:
    try:
        return to_markdown_page([_comparison(base, project)])
    except UserError as error:
        return f"# This change\n\nNo differences to show: {error}.\n"


def _comparison(base: str, project: Path) -> Comparison:
    commit = merge_base(base, project)
    if commit is None:
        raise UserError(f"{base} and HEAD have no common commit here (a shallow clone?)")
    with opened([commit, str(project)], project) as (before, after):
        labels = (f"{base} ({commit[:8]})", "this change")
        return compare_versions(*(replace(v, label=label) for v, label in zip((before, after), labels, strict=True)))
