"""Help, version and completion: answered at once, with examples that are right."""

import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest

from matchrcnn import __version__
from matchrcnn.cli import main, parser
from matchrcnn.cli.help import HELP

COMMANDS = tuple(HELP)
EXAMPLES = [(command, line) for command in COMMANDS for line in HELP[command].examples]


def printed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_description_and_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed([command, "--help"], capsys)
    assert HELP[command].description.split(".")[0] in " ".join(text.split())
    assert len(HELP[command].examples) >= 2
    assert all(f"  {line}\n" in text for line in HELP[command].examples)


def test_every_command_of_the_program_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    (commands,) = (action.choices for action in parser()._actions if action.dest == "command")
    assert set(commands) == set(HELP)
    assert all(name in printed(["--help"], capsys) for name in commands)


@pytest.mark.parametrize(("command", "line"), EXAMPLES)
def test_an_example_is_a_valid_call(command: str, line: str) -> None:
    program, *argv = shlex.split(line)
    assert program == "matchrcnn"
    assert parser().parse_args(argv).command == command


def test_the_example_of_evaluate_prints_the_table_of_the_shipped_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--example"]) == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert (rows["items"][-1], rows["images"][-1]) == ("37", "24")
    assert rows["AP50"][-1] == "0.686"


def test_a_task_beside_the_example_is_not_needed_but_results_are_without_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--task", "detection"])
    assert "required: --results" in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(["--version"], capsys) == f"matchrcnn {version('matchrcnn')}\n"
    assert __version__ == version("matchrcnn")


@pytest.mark.parametrize("module", ["matchrcnn", "matchrcnn.cli"])
def test_the_package_is_a_program(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True)
    assert done.stdout == f"matchrcnn {version('matchrcnn')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = printed(["--print-completion", shell], capsys)
    assert all(word in script for word in ("evaluate", "export-onnx", "--annotations", "landmarks"))


def test_bash_accepts_its_completion(capsys: pytest.CaptureFixture[str]) -> None:
    script = printed(["--print-completion", "bash"], capsys)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
