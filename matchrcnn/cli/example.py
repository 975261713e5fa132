"""`matchrcnn evaluate --example`: a few scored images that come with the package."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "example"
"""annotations.json and boxes.json: images of the sample data, and what the sample detection run found in them."""


class Example(argparse.Action):
    """Take task, annotations and results from the package."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Set the three, and ask for none of them."""
        namespace.task = "detection"
        namespace.annotations, namespace.results = FOLDER / "annotations.json", FOLDER / "boxes.json"
        for action in parser._actions:
            action.required = False


def add_example(parser: argparse.ArgumentParser) -> None:
    """Add `--example`."""
    parser.add_argument(
        "--example", action=Example, nargs=0, help="score the sample files of the package, in place of your own"
    )
