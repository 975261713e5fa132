"""Write reports/pull_request.md, which CI comments: differences to a base, then the tables.

Run as `python -m tools.pull_request [BASE]`; no stage of dvc.yaml, since it depends on the state of git.
"""

import argparse

from matchrcnn.errors import UserError
from matchrcnn.files import write_text
from matchrcnn.project import Project
from matchrcnn.reporting.compare.pull_request import comment
from stages import run


def main() -> None:
    """Write the page beside the tables that the report stage wrote."""
    parser = argparse.ArgumentParser(prog="python -m tools.pull_request")
    parser.add_argument("base", nargs="?", default="main", help="revision that the change is made for (default: main)")
    base = parser.parse_args().base
    project = Project()
    if not project.benchmarks.is_file():
        raise UserError(f"{project.benchmarks}: no such file; run `dvc repro report` first")
    write_text(project.pull_request, comment(project.benchmarks.read_text(), base))
    print(project.pull_request)


if __name__ == "__main__":
    run(main)
