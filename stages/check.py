"""Compare metrics with the thresholds of params.yaml: `python -m stages.check`; exit code 1 when one is missed."""

import sys

from matchrcnn.project import Project
from matchrcnn.reporting.check import as_table, check_runs
from stages import run


def main() -> None:
    """Print every threshold with the value that was reached."""
    project = Project()
    checks = check_runs(project.runs, project.params.check)
    print(as_table(checks) if checks else "params.yaml states no thresholds")
    if not all(check.passed for check in checks):
        sys.exit(1)


if __name__ == "__main__":
    run(main)
