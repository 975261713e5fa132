"""Compare metrics with the thresholds of params.yaml: `python -m stages.check`; exit code 1 when one is missed."""

import sys
from pathlib import Path

from matchrcnn.reporting.check import as_table, check_runs
from matchrcnn.reporting.runs import find_runs
from stages import params, run


def main() -> None:
    """Print every threshold with the value that was reached."""
    active = params()
    checks = check_runs(find_runs(Path(), active.runs), active.check)
    print(as_table(checks) if checks else "params.yaml states no thresholds")
    if not all(check.passed for check in checks):
        sys.exit(1)


if __name__ == "__main__":
    run(main)
