"""The stages of dvc.yaml: one thin script each, run as `python -m stages.NAME`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from matchrcnn.errors import ending


def argument(name: str, meaning: str) -> str:
    """Return the one positional argument of a stage's command line."""
    parser = argparse.ArgumentParser(prog=f"python -m stages.{Path(sys.argv[0]).stem}")
    parser.add_argument(name, help=meaning)
    return str(getattr(parser.parse_args(), name))


def run(main: Callable[[], None]) -> None:
    """Run a stage; an error that a user can fix is one clear message and exit code 2, not a traceback."""
    try:
        main()
    except (KeyboardInterrupt, Exception) as error:
        sys.exit(ending(Path(sys.argv[0]).stem, error))
