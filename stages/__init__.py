"""The stages of dvc.yaml: one thin script each, run as `python -m stages.NAME`."""

import sys
from collections.abc import Callable
from pathlib import Path

from matchrcnn.config import Params, load_params
from matchrcnn.errors import UserError

PARAMS = Path("params.yaml")


def params() -> Params:
    """The active parameters."""
    return load_params(PARAMS)


def run(main: Callable[[], None]) -> None:
    """Run a stage; what a user can mend is one clear message and exit code 2, not a traceback."""
    try:
        main()
    except UserError as error:
        stage = Path(sys.argv[0]).stem
        print(f"{stage}: {error}", file=sys.stderr)
        sys.exit(2)
