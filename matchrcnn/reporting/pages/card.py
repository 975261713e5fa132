"""reports/RUN/card.md: what a model is, how it was made, what it reaches and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matchrcnn.data.marker import SAMPLE, is_deepfashion2, terms
from matchrcnn.files import write_text
from matchrcnn.project import CARD, Run, TrainingSummary
from matchrcnn.reporting.pages.benchmarks import SAMPLE_WARNING, protocol_lines
from matchrcnn.reporting.published import RELEASED, comparable, other_data, published_on, value_of
from matchrcnn.reporting.tables.few import few_behind
from matchrcnn.reporting.tables.table import NOTHING, limits, number, plain_to_markdown
from matchrcnn.reporting.titles import metric_name
from matchrcnn.subsets import COLUMNS
from matchrcnn.taxonomy import CATEGORY_NAMES

WEAKEST = 3

USE = (
    "Research on clothing recognition: {beside_paper}a start for a variant, garments in photos of "
    "shops and of people (`matchrcnn predict`, `matchrcnn search`). Not for telling who a person is, nor for any "
    "decision about a person; nothing here was tested for that."
)
KNOWS = (
    "It knows 13 categories of garments and no shoes, bags or underwear; what lies outside them is missed or "
    "called by one of their names."
)
FROM_SHOPS = (
    "Photos of DeepFashion2 come from shops and customers of its time and places; "
    "who and what is rare there is not counted in these numbers."
)
A_SCORE = "A score is a ranking, not a calibrated probability."


def write_cards(runs: Sequence[Run]) -> list[Path]:
    """Write the card of every run whose model is here; a function of the run's files alone."""
    cards = []
    for run in runs:
        if run.training is not None:
            cards.append(run.reports / CARD)
            write_text(cards[-1], card_markdown(run, run.training))
    return cards


def limits_of_use(data: str) -> str:
    """Return what a model trained on a data set does not know."""
    known = data == SAMPLE or is_deepfashion2(data)
    rare = FROM_SHOPS if known else f"What is rare in {data} is not counted in these numbers."
    return f"{KNOWS} {rare} {A_SCORE}"


def card_markdown(run: Run, training: TrainingSummary) -> str:
    """The card of a run.

    Args:
        run: the run with its reports and its model's configuration.
        training: data and length of its training.
    """
    data = training.data
    parts = [
        f"# {run.name}",
        f"Match R-CNN for {run.task.name}, trained on {data}, schedule {run.schedule}.",
        *([f"> **Sample data.** {SAMPLE_WARNING}"] if data == SAMPLE else []),
        "## Numbers",
        _numbers(run),
        *protocol_lines([run]),
        "## Making",
        _making(run, training),
        "## Intended use",
        USE.format(beside_paper="" if other_data(run) else "a row beside the paper's, "),
        "## Limits",
        *_weakest(run),
        limits_of_use(data),
        "## Licence",
        terms(data),
    ]
    return "\n\n".join(parts) + "\n"


def _numbers(run: Run) -> str:
    """The task's overall numbers with their intervals; of DeepFashion2 next to those published on the released data."""
    paths = [f"{key}/overall/{name}" for key in run.task.keys if run.has(key) for name in run.task.measures]
    header = ["metric", "value", "interval"]
    rows = [[metric_name(path), number(run.value(path)), limits(run.interval(path))] for path in paths]
    if other_data(run) is None:
        published = comparable(run, published_on(run.task, RELEASED))
        header.append("published, released data")
        rows = [[*row, number(value_of(path, published))] for row, path in zip(rows, paths, strict=True)]
    return plain_to_markdown(header, rows)


def _making(run: Run, training: TrainingSummary) -> str:
    """Data, schedule and network, as the model's own configuration states them."""
    learned, model = run.config.get("training", {}), run.config.get("model", {})
    drops = f", rate to a tenth after {' and '.join(f'{i:,}' for i in training.drops)}" if training.drops else ""
    rows = [
        ("training data", f"{training.images:,} images, {training.items:,} items"),
        ("annotations, sha256", f"`{training.train_sha256}`"),
        ("length", f"{training.iterations:,} iterations of {learned.get('minibatch', NOTHING)} images{drops}"),
        ("optimizer", f"{learned.get('optimizer', NOTHING)}, base rate {learned.get('base_lr', NOTHING)}"),
        ("starts from", str(run.config.get("init_from", NOTHING))),
        ("network", f"{model.get('backbone', NOTHING)}, images of {_edges(model)} pixels"),
        ("seed", str(run.config.get("seed", NOTHING))),
        ("weights, sha256", f"`{run.weights_digest or NOTHING}`"),
        ("training, digest", f"`{training.digest}`"),
    ]
    return plain_to_markdown(("", ""), rows)


def _edges(model: Mapping[str, Any]) -> str:
    return f"{model.get('shorter_edge', NOTHING)} to {model.get('longer_edge', NOTHING)}"


def _weakest(run: Run) -> Iterator[str]:
    """Where the run's own numbers are lowest: of the subsets, and of the categories, that have enough items."""
    key, measure = run.task.keys[0], run.task.headline
    places = {
        "subsets": {column.replace("/", ": ").replace("_", " "): column for column in COLUMNS[:-1]},
        "categories": {name: f"category/{name}" for name in CATEGORY_NAMES},
    }
    for what, columns in places.items():
        paths = {label: f"{key}/{column}/{measure}" for label, column in columns.items()}
        values = {label: value for label, path in paths.items() if (value := run.value(path)) is not None}
        known = sorted((value, label) for label, value in values.items() if not few_behind(run, paths[label]))
        listed = ", ".join(f"{label} ({value:.3f})" for value, label in known[:WEAKEST])
        if values:
            told = listed or "all have too few items or queries to tell"
            yield f"Weakest {what}, {metric_name(run.task.headline_path)}: {told}."
