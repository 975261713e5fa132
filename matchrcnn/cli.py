"""`matchrcnn`: the library from the command line, without DVC.

Each command is one `_add_NAME` that describes its arguments and one function that runs it; heavy imports stand inside,
so that `--help` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence

from matchrcnn.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded, 2 when the user has something to mend."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except UserError as error:
        print(f"matchrcnn {arguments.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="matchrcnn", description="The DeepFashion2 benchmarks of Match R-CNN.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")  # noqa: F841 (commands join here)
    return parser


if __name__ == "__main__":
    sys.exit(main())
