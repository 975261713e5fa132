"""How tables, charts and pages name tasks, scores and measures.

Not in `tasks`, which trainings depend on: an edit here runs the report again and nothing else.
"""

from dataclasses import dataclass

from matchrcnn.tasks import TASKS, Task


@dataclass(frozen=True)
class TaskText:
    """What the report says of a task.

    Attributes:
        title: heading of its section.
        about: the sentence below it.
        scores: titles of the scores that it is judged by, in their order.
    """

    title: str
    about: str
    scores: tuple[str, ...]


TEXTS: dict[Task, TaskText] = {
    TASKS["detection"]: TaskText(
        "Clothes detection",
        "Find each garment and name its category: AP of boxes, averaged over IoU 0.50 to 0.95.",
        ("box",),
    ),
    TASKS["segmentation"]: TaskText(
        "Clothes segmentation",
        "Outline each garment: AP of masks, averaged over IoU 0.50 to 0.95.",
        ("mask",),
    ),
    TASKS["landmarks"]: TaskText(
        "Landmark estimation",
        "Place each garment's own landmarks, 8 to 39 of 294: AP by object keypoint similarity.",
        ("landmarks, visible", "landmarks, visible and occluded"),
    ),
    TASKS["retrieval"]: TaskText(
        "Consumer-to-shop retrieval",
        "Given a garment in a customer's photo, find it among the shop's: is it among the first k?",
        ("detected boxes", "ground-truth boxes"),
    ),
}

SCORE_TITLES: dict[str, str] = {
    key: title for task, text in TEXTS.items() for key, title in zip(task.keys, text.scores, strict=True)
}
"""Titles of scores by their keys in metrics.json."""


def score_title(key: str) -> str:
    """Title of a score; the key itself where it is no score of ours, as in a report of another origin."""
    return SCORE_TITLES.get(key, key)


def measure_title(measure: str) -> str:
    """A measure as the paper writes it: top20 is top-20, AP50 is AP50."""
    return measure.replace("top", "top-")


def metric_name(path: str) -> str:
    """A metric path in words: `box/overall/AP` is `box AP`."""
    key, _, measure = path.replace("/overall", "").rpartition("/")
    return f"{score_title(key)} {measure_title(measure)}"
