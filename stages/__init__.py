"""The stages of dvc.yaml: one thin script each, run as `python -m stages.NAME`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from matchrcnn.config import Params, load_params
from matchrcnn.data.split import Split
from matchrcnn.errors import as_user_error

PARAMS, PRESETS = Path("params.yaml"), Path("pipelines")
MODELS, RESULTS, REPORTS = Path("models"), Path("results"), Path("reports")
ANNOTATIONS, LONG_TABLE = Path("data/coco"), Path("data/benchmarks.csv")
CHECKPOINTS, PROVENANCE = Path(".work/checkpoints"), Path(".work/provenance")
"""What depends on the machine lies outside DVC's outputs."""


def params() -> Params:
    """The active parameters."""
    return load_params(PARAMS)


def split(active: Params, name: str) -> Split:
    """A converted split of the active data set."""
    return Split(ANNOTATIONS / f"{name}.json", active.data.root / name / "image")


def provenance_path(name: str) -> Path:
    """Where the provenance of a run trained on this machine is kept."""
    return PROVENANCE / f"{name}.json"


def argument(name: str, meaning: str) -> str:
    """The one positional argument of a stage's command line."""
    parser = argparse.ArgumentParser(prog=f"python -m stages.{Path(sys.argv[0]).stem}")
    parser.add_argument(name, help=meaning)
    return str(getattr(parser.parse_args(), name))


def run(main: Callable[[], None]) -> None:
    """Run a stage; what a user can mend is one clear message and exit code 2, not a traceback."""
    try:
        main()
    except KeyboardInterrupt:
        print(f"{Path(sys.argv[0]).stem}: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        known = as_user_error(error)
        if known is None:
            raise
        print(f"{Path(sys.argv[0]).stem}: {known}", file=sys.stderr)
        sys.exit(2)
