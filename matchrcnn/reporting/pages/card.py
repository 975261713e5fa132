"""reports/RUN/card.md: what a model is, how it was made, what it reaches and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matchrcnn.files import read_json, write_text
from matchrcnn.reporting.pages.benchmarks import SAMPLE_WARNING, metric_name, protocol_lines
from matchrcnn.reporting.published import METRICS, TOP_K, published_ap, published_top_k, variant_of
from matchrcnn.reporting.runs import COLUMNS, STREAMS, Run
from matchrcnn.reporting.tables.table import NOTHING, limits, number, plain_to_markdown
from matchrcnn.taxonomy import CATEGORY_NAMES

CARD, TRAINING = "card.md", "training.json"
WEAKEST = 3

USE = (
    "Research on clothing recognition: a row beside the paper's, a start for a variant, garments in photos of "
    "shops and of people (`matchrcnn predict`, `matchrcnn search`). Not for telling who a person is, nor for any "
    "decision about a person; nothing here was tested for that."
)
LIMITS = (
    "It knows 13 categories of garments and no shoes, bags or underwear; what lies outside them is missed or "
    "called by one of their names. Photos of DeepFashion2 come from shops and customers of its time and places; "
    "who and what is rare there is not counted in these numbers. A score is a ranking, not a calibrated "
    "probability."
)
LICENCE = (
    "DeepFashion2 is given for non-commercial research to those who ask its authors; a model trained on it is "
    "bound by the same terms."
)
SAMPLE_LICENCE = "Trained on pictures that this project draws: nothing of DeepFashion2 is in it."


def write_cards(runs: Sequence[Run]) -> list[Path]:
    """Write the card of every run whose model is here; a function of the run's files alone."""
    cards = []
    for run in runs:
        path = run.folder / "models" / run.name / TRAINING
        if path.is_file():
            write_text(run.reports / CARD, card_markdown(run, read_json(path)))
            cards.append(run.reports / CARD)
    return cards


def card_markdown(run: Run, training: Mapping[str, Any]) -> str:
    """The card of a run.

    Args:
        run: the run with its reports and its model's configuration.
        training: training.json beside the model: its data and length.
    """
    sample = training["data"] != "DeepFashion2"
    parts = [
        f"# {run.name}",
        f"Match R-CNN for {run.task}, trained on {training['data']}, schedule {run.schedule}.",
        *([f"> **Sample data.** {SAMPLE_WARNING}"] if sample else []),
        "## Numbers",
        _numbers(run),
        *protocol_lines([run]),
        "## Making",
        _making(run, training),
        "## Intended use",
        USE,
        "## Limits",
        *_weakest(run),
        LIMITS,
        "## Licence",
        SAMPLE_LICENCE if sample else LICENCE,
    ]
    return "\n\n".join(parts) + "\n"


def _numbers(run: Run) -> str:
    """The task's overall numbers with their intervals, the published ones of the released data beside them."""
    rows = []
    for path in _paths(run):
        published = _published(run).get(path)
        rows.append((metric_name(path), number(run.value(path)), limits(run.interval(path)), number(published)))
    return plain_to_markdown(("metric", "value", "interval", "published, released data"), rows)


def _paths(run: Run) -> list[str]:
    measures = TOP_K if run.task == "retrieval" else METRICS
    return [f"{stream}/overall/{measure}" for stream in STREAMS[run.task] if run.has(stream) for measure in measures]


def _published(run: Run) -> dict[str, float]:
    if run.task == "retrieval":
        variant = variant_of(run.name, published_top_k())
        return variant.values if variant else {}
    return published_ap(run.task, STREAMS[run.task])[0].values


def _making(run: Run, training: Mapping[str, Any]) -> str:
    """Data, schedule and network, as the model's own configuration states them."""
    learned, model = run.config.get("training", {}), run.config.get("model", {})
    drops = f", rate to a tenth after {' and '.join(f'{i:,}' for i in training['drops'])}" if training["drops"] else ""
    rows = [
        ("training data", f"{training['images']:,} images, {training['items']:,} items"),
        ("annotations, sha256", f"`{training['train_sha256']}`"),
        ("length", f"{training['iterations']:,} iterations of {learned.get('minibatch', NOTHING)} images{drops}"),
        ("optimizer", f"{learned.get('optimizer', NOTHING)}, base rate {learned.get('base_lr', NOTHING)}"),
        ("starts from", str(run.config.get("init_from", NOTHING))),
        ("network", f"{model.get('backbone', NOTHING)}, images of {_edges(model)} pixels"),
        ("seed", str(run.config.get("seed", NOTHING))),
        ("weights, sha256", f"`{run.weights_digest or NOTHING}`"),
        ("training, digest", f"`{training['digest']}`"),
    ]
    return plain_to_markdown(("", ""), rows)


def _edges(model: Mapping[str, Any]) -> str:
    return f"{model.get('shorter_edge', NOTHING)} to {model.get('longer_edge', NOTHING)}"


def _weakest(run: Run) -> Iterator[str]:
    """Where the run's own numbers are lowest: of the subsets, and of the categories."""
    stream = STREAMS[run.task][0]
    measure = "top20" if run.task == "retrieval" else "AP"
    places = {
        "subsets": {column.replace("/", ": ").replace("_", " "): column for column in COLUMNS[:-1]},
        "categories": {name: f"category/{name}" for name in CATEGORY_NAMES},
    }
    for what, columns in places.items():
        values = {label: run.value(f"{stream}/{column}/{measure}") for label, column in columns.items()}
        known = sorted((value, label) for label, value in values.items() if value is not None)
        if known:
            listed = ", ".join(f"{label} ({value:.3f})" for value, label in known[:WEAKEST])
            yield f"Weakest {what}, {metric_name(f'{stream}/overall/{measure}')}: {listed}."
