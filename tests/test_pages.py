"""Every command on the pages in docs/ has its test, which is named here (those of the README: test_readme.py).

Some tests run another form: `dvc queue start` leaves a process behind, so its test works the queue off itself; of
`make ui` there is a dry run; what is given to `mlflow models serve` is a folder instead of a registered model.
"""

from pathlib import Path

import pytest

from tests.support.documented import commands

ROOT = Path(__file__).parents[1]
PROGRAMS = ("make ", "dvc ", "matchrcnn ", "python -m ", "mlflow ", "torchrun ", "MACHINE_RANK=")

RUN_BY = {
    "docs/experiments.md": {
        "dvc exp run -n slower": ("tests/pipeline/test_experiments.py", 'documented("dvc exp run -n slower")'),
        "dvc exp show": ("tests/pipeline/test_experiments.py", 'documented("dvc exp show")'),
        "matchrcnn compare main slower": (
            "tests/pipeline/test_experiments.py",
            'documented("matchrcnn compare main slower")',
        ),
        "dvc exp run --queue": ("tests/pipeline/test_experiments.py", 'documented("dvc exp run --queue")'),
        "dvc queue start": ("tests/pipeline/test_experiments.py", '"dvc", "exp", "run", "--run-all"'),
        "dvc exp list": ("tests/pipeline/test_experiments.py", 'documented("dvc exp list")'),
        "dvc exp apply NAME": ("tests/pipeline/test_experiments.py", '"dvc", "exp", "apply", names[0]'),
        "dvc remote add": ("tests/pipeline/test_experiments.py", 'documented("dvc remote add")'),
        "dvc push": ("tests/pipeline/test_experiments.py", 'documented("dvc push")'),
        "dvc pull": ("tests/pipeline/test_experiments.py", 'documented("dvc pull")'),
    },
    "docs/export.md": {
        "matchrcnn export-onnx": ("tests/inference/photos/test_docs.py", '["photos.md", "export.md"]'),
        "python -m studies.rounding": ("tests/inference/onnx/test_rounding.py", "rounding.main()"),
    },
    "docs/mlflow.md": {
        "make ui": ("tests/test_readme.py", '"make ui": "mlflow ui"'),
        "python -m tools.track": ("tests/pipeline/test_repro.py", '"-m", "tools.track"'),
        "mlflow models serve": ("tests/tracking/test_registry.py", 'command = ["models", "serve", "-m", '),
    },
    "docs/photos.md": {
        "matchrcnn predict photos": ("tests/inference/photos/test_docs.py", '["photos.md", "export.md"]')
    },
    "docs/retrieval.md": {
        "matchrcnn evaluate --task retrieval": ("tests/evaluation/test_retrieval_run.py", "main([*command[1:], "),
        "matchrcnn search": ("tests/inference/test_search.py", 'asked = ["search", str(photo), '),
    },
    "docs/training.md": {
        "python -m tools.preset single_gpu": ("tests/pipeline/test_repro.py", '"-m", "tools.preset", '),
        "MACHINE_RANK=": ("tests/training/test_dying_processes.py", 'documented("MACHINE_RANK=")'),
        "torchrun ": ("tests/training/test_dying_processes.py", 'documented("torchrun ")'),
    },
}
"""Page -> how a command begins -> the test that runs it, and where that stands in it."""

CASES = [(page, *case) for page, starts in RUN_BY.items() for case in starts.items()]


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_command_of_a_page_has_its_test(page: str) -> None:
    starts = tuple(RUN_BY.get(f"docs/{page}", {}))
    unknown = [
        command for command in commands(ROOT / "docs" / page, PROGRAMS) if not command.startswith(starts or "\0")
    ]
    assert unknown == [], "say in tests/test_pages.py which test runs these"


@pytest.mark.parametrize(("page", "start", "place"), CASES)
def test_the_test_runs_it_and_the_page_has_it(page: str, start: str, place: tuple[str, str]) -> None:
    assert any(command.startswith(start) for command in commands(ROOT / page, PROGRAMS))
    path, call = place
    assert call in (ROOT / path).read_text()
