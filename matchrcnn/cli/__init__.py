"""`matchrcnn`: the library from the command line, without DVC.

Each command is one `add_NAME` that describes its arguments and one function that runs it; heavy imports stand inside,
so that `--help` answers at once.
"""

import argparse
from collections.abc import Sequence

from matchrcnn.cli.data_set import add_convert, add_export, add_inspect
from matchrcnn.cli.photos import add_export_onnx, add_predict, add_search
from matchrcnn.cli.scores import add_compare, add_evaluate
from matchrcnn.errors import ending


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it succeeded, 1 when some of what it was given could not be used, 2 for an error that the user can fix,
        130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except BrokenPipeError:
        return 1
    except (KeyboardInterrupt, Exception) as error:
        return ending(f"matchrcnn {arguments.command}", error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="matchrcnn", description="The DeepFashion2 benchmarks of Match R-CNN.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    adding = (add_inspect, add_convert, add_export, add_evaluate, add_search, add_compare, add_predict, add_export_onnx)
    for add in adding:
        add(commands)
    return parser
