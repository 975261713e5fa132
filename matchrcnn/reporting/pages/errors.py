"""Errors that cost a run its AP, read from diagnosis.json: tables by subset and category, bars, confusion matrix."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from matchrcnn.evaluation.errors.kinds import KINDS
from matchrcnn.paths import lookup
from matchrcnn.project import Run
from matchrcnn.reporting.charts.geometry import BarChart, bar_chart
from matchrcnn.reporting.tables.benchmark import SUBSET_HEADER
from matchrcnn.reporting.tables.few import grey
from matchrcnn.reporting.tables.table import NOTHING, Cell, Group, Part, Row, Table, number
from matchrcnn.reporting.titles import score_title
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import DETECTION_STREAMS
from matchrcnn.taxonomy import CATEGORY_NAMES

EXPLAINED = (
    "Each cell: how much AP50 would rise if this kind of error were fixed and all else stayed, and below it how many "
    "there are. The kinds are fixed one at a time, so they do not add up."
)


class ErrorCost(TypedDict):
    """How many errors of a kind there are, and how much AP50 would rise without them, 0..1."""

    count: int
    cost: float


class ConfusionRecord(TypedDict):
    """Counts of items, true categories by rows, found ones by columns; the last row and column are `nothing`."""

    labels: list[str]
    matrix: list[list[int]]


@dataclass(frozen=True)
class Share:
    """A cell of a confusion matrix: a count, and its share of the row, 0..1."""

    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """How often items of one category (rows) are found as another (columns)."""

    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[Share, ...], ...]
    rule: str


@dataclass(frozen=True)
class Diagnosis:
    """The errors of one stream of a run."""

    title: str
    bars: BarChart
    subsets: Table
    categories: Table
    definitions: tuple[tuple[str, str], ...]
    confusion: Confusion


def diagnoses(run: Run) -> list[Diagnosis]:
    """The diagnosis of each stream of boxes or masks that the run was diagnosed on."""
    return [_diagnosis(run, stream) for stream in _streams(run)]


def cost_table(runs: Sequence[Run]) -> Table | None:
    """One line a run and stream: what each kind of error costs over all items; None where nothing was diagnosed."""
    groups = [
        Group(f"{run.name}: {stream}", (Row("", _cells(run, stream, ["overall"])),), "category")
        for run in runs
        for stream in _streams(run)
    ]
    header = (("", ("AP50", *(words(kind) for kind in KINDS))),)
    return Table("errors", "What costs the AP", header, tuple(groups), EXPLAINED) if groups else None


def definition_lines(runs: Sequence[Run]) -> list[str]:
    """The kinds of error with their thresholds, as text, of the first run that was diagnosed."""
    found: Mapping[str, str] = next(
        (run.diagnosis[stream]["definition"] for run in runs for stream in _streams(run)), {}
    )
    return [f"{name}: {text}" for name, text in _definitions(found)]


def words(name: str) -> str:
    """A key in words."""
    return name.replace("_", " ")


def _definitions(definition: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(name, text) in words; the rule of the confusion matrix is shown under the matrix."""
    for name, text in definition.items():
        if name != "confusion":
            yield "kinds after" if name == "after" else words(name), words(text)


def _streams(run: Run) -> list[str]:
    """Keys in diagnosis.json of the streams whose errors were told apart."""
    return [stream.kind for stream in DETECTION_STREAMS if lookup(run.diagnosis, f"{stream.kind}/overall/errors")]


def _diagnosis(run: Run, stream: str) -> Diagnosis:
    content = run.diagnosis[stream]
    title = score_title(stream)
    header = (*SUBSET_HEADER, ("", ("overall",)))
    by_subset = _by_kind(run, stream, COLUMNS)
    overall = content["overall"]["errors"]
    bars = [(words(kind), overall[kind]["cost"], f"{overall[kind]['count']:,}") for kind in KINDS if kind in overall]
    return Diagnosis(
        title=title,
        bars=bar_chart(f"What costs the AP50, {title}", bars),
        subsets=Table(f"{stream}-errors", f"What costs the AP50 on subsets, {title}", header, by_subset),
        categories=_categories(run, stream, title),
        definitions=tuple(_definitions(content["definition"])),
        confusion=_confusion(title, content["confusion"], content["definition"].get("confusion", "")),
    )


def _by_kind(run: Run, stream: str, columns: Sequence[str]) -> tuple[Group, ...]:
    """A group a kind of error, its cells in the order of the columns, after the AP50 itself."""
    base = tuple(_base(run, stream, column) for column in columns)
    groups = [Group("AP50", (Row("", base),), "category")]
    for kind in KINDS:
        cells = tuple(_cell(run, stream, column, kind) for column in columns)
        groups.append(Group(words(kind), (Row("", cells, "cost"),), "category"))
    return tuple(groups)


def _categories(run: Run, stream: str, title: str) -> Table:
    groups = [
        Group(name, (Row("", _cells(run, stream, [f"category/{name}"]), "cost"),), "category")
        for name in CATEGORY_NAMES
    ]
    header = (("", ("AP50",)), ("cost of", tuple(words(kind) for kind in KINDS)))
    return Table(f"{stream}-errors-categories", f"What costs the AP50 of each category, {title}", header, tuple(groups))


def _cells(run: Run, stream: str, columns: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(
        cell
        for column in columns
        for cell in (_base(run, stream, column), *(_cell(run, stream, column, kind) for kind in KINDS))
    )


def _base(run: Run, stream: str, column: str) -> Cell:
    return (_part(run, stream, column, Part(number(lookup(run.diagnosis, f"{stream}/{column}/AP50")))),)


def _cell(run: Run, stream: str, column: str, kind: str) -> Cell:
    found: ErrorCost | None = lookup(run.diagnosis, f"{stream}/{column}/errors/{kind}")
    if found is None:
        return (Part(NOTHING),)
    hint = f"AP50 {found['cost']:+.3f} if fixed"
    cost = Part(number(found["cost"]), -found["cost"], hint)
    return _part(run, stream, column, cost), Part(f"{found['count']:,}")


def _part(run: Run, kind: str, column: str, part: Part) -> Part:
    """A number of a stream by its kind, grey where few items are behind it."""
    key = next(stream.keys[0] for stream in DETECTION_STREAMS if stream.kind == kind)
    return grey(part, run, f"{key}/{column}/AP50")


def _confusion(title: str, content: ConfusionRecord, rule: str) -> Confusion:
    labels = tuple(content["labels"])
    rows = []
    for counts in content["matrix"]:
        total = sum(counts)
        rows.append(tuple(Share(count, count / total if total else 0.0) for count in counts))
    return Confusion(f"Which category is taken for which, {title}", labels, tuple(rows), rule)
