import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from matchrcnn.config import RetrievalParams
from matchrcnn.errors import UserError
from matchrcnn.inference.runs import choose_runs, streams_of
from matchrcnn.tasks import EMBEDDINGS, LANDMARKS, MASKS

FROZEN = RetrievalParams(widths=(4, 4, 4, 8), embedding=16, freeze=True)


def chosen(models: Path, tmp_path: Path, *names: str) -> list[str]:
    for name in names:
        shutil.copytree(models / name.split("_")[0], tmp_path / "models" / name)
    return [run.name for run in choose_runs(tmp_path / "models")]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["detection"], ["detection"]),
        (["detection", "segmentation"], ["segmentation"]),
        (["detection", "landmarks"], ["landmarks"]),
        (["detection", "landmarks", "segmentation", "retrieval"], ["segmentation", "landmarks"]),
        (["segmentation", "retrieval"], ["segmentation", "retrieval"]),
        (["detection", "landmarks", "retrieval"], ["retrieval"]),
        (["retrieval_a", "retrieval_b"], ["retrieval_a"]),
        (["segmentation", "segmentation_0"], ["segmentation"]),
    ],
)
def test_the_runs_that_see_most_together(there: list[str], taken: list[str], models: Path, tmp_path: Path) -> None:
    assert chosen(models, tmp_path, *there) == taken


def test_retrieval_on_a_frozen_run_knows_what_that_run_has_learned(
    models: Path, tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    run = make_run(tmp_path / "frozen", "retrieval", FROZEN)
    assert streams_of(run) == {EMBEDDINGS}
    shutil.copytree(models / "landmarks", tmp_path / "landmarks")
    assert streams_of(run) == {EMBEDDINGS, LANDMARKS}
    assert streams_of(models / "retrieval") == {EMBEDDINGS, LANDMARKS, MASKS}


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no trained run in it"):
        choose_runs(tmp_path)
