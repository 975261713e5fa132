"""`matchrcnn`: the library from the command line, without DVC.

Each command is one `add_NAME` that describes its arguments and one function that runs it; heavy imports are inside it,
after the checks of names and paths, so that `--help` and a mistyped name are answered at once.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from matchrcnn.cli.checks import check, close_to
from matchrcnn.cli.completion import SHELLS, PrintCompletion
from matchrcnn.cli.data_set import add_convert, add_export, add_inspect
from matchrcnn.cli.extras import naming_extras, require
from matchrcnn.cli.help import explain
from matchrcnn.cli.photos import add_export_onnx, add_predict, add_search
from matchrcnn.cli.scores import add_compare, add_evaluate
from matchrcnn.errors import ending


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it succeeded, 1 when some of what it was given could not be used, 2 for an error that the user can fix,
        130 after Ctrl-C.
    """
    arguments = parser().parse_args(argv)
    try:
        require(arguments.command)
        check(arguments)
        with naming_extras(arguments.command):
            return int(arguments.run(arguments) or 0)
    except BrokenPipeError:
        return 1
    except (KeyboardInterrupt, Exception) as error:
        return ending(f"matchrcnn {arguments.command}", error)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    program = Parser(
        prog="matchrcnn",
        description="The DeepFashion2 benchmarks of Match R-CNN.",
        epilog="`matchrcnn COMMAND --help` explains a command, with examples.",
    )
    program.add_argument("--version", action=PrintVersion, nargs=0, help="print the version")
    program.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help=f"print the completion script of a shell: {', '.join(SHELLS)}",
    )
    commands = program.add_subparsers(dest="command", required=True, metavar="COMMAND")
    adding = (add_inspect, add_convert, add_export, add_evaluate, add_search, add_compare, add_predict, add_export_onnx)
    for add in adding:
        add(commands)
    explain(commands.choices)
    return program


class Parser(argparse.ArgumentParser):
    """A parser that suggests the command or the value that a mistyped one resembles."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 (as argparse has it)
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            suggestion = close_to(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}{suggestion}") from None


class PrintVersion(argparse.Action):
    """Print the version, and end; it is looked up only then."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Print it."""
        from matchrcnn import __version__

        print(f"matchrcnn {__version__}")
        parser.exit()
