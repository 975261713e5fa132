"""Titles are complete, and an edit of one trains nothing again."""

import pytest

from matchrcnn.reporting.titles import SCORE_TITLES, TEXTS, metric_name
from matchrcnn.tasks import SCORES, TASKS
from tools.dependencies import dependencies


def test_every_task_and_score_has_its_texts() -> None:
    assert list(TEXTS) == list(TASKS.values())
    assert list(SCORE_TITLES) == list(SCORES)


@pytest.mark.parametrize("stage", ["convert", "initial", "train", "predict", "evaluate"])
def test_no_stage_before_the_report_depends_on_its_texts(stage: str) -> None:
    assert not [path for path in dependencies(stage) if path.startswith("matchrcnn/reporting")]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("box/overall/AP", "box AP"),
        ("landmarks_visible/overall/AP75", "landmarks, visible AP75"),
        ("retrieval/detected_box/overall/top20", "detected boxes top-20"),
        ("another/overall/AP", "another AP"),
    ],
)
def test_a_metric_is_named_by_its_score_and_measure(path: str, name: str) -> None:
    assert metric_name(path) == name
