"""Every command on the pages in docs/ is run by a test, which says so by a mark (those of the README: test_readme.py).

Some tests run another form: `dvc queue start` leaves a process behind, so its test works the queue off itself; of
`make ui` there is a dry run; what is given to `mlflow models serve` is a folder instead of a registered model.
"""

from pathlib import Path

import pytest

from tests.support.documented import commands, marked

ROOT = Path(__file__).parents[1]
PROGRAMS = ("make ", "dvc ", "matchrcnn ", "python -m ", "mlflow ", "torchrun ", "MACHINE_RANK=")
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_has_a_test_that_runs_it(page: str) -> None:
    starts = tuple(entry.start for entry in marked(page))
    unknown = [command for command in commands(ROOT / page, PROGRAMS) if not command.startswith(starts or "\0")]
    assert unknown == [], f'mark the tests that run these: @pytest.mark.documents("{page}", ...)'


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_every_command_that_a_test_runs_for_it(page: str) -> None:
    found = list(commands(ROOT / page, PROGRAMS))
    gone = [entry for entry in marked(page) if not any(command.startswith(entry.start) for command in found)]
    assert gone == []
