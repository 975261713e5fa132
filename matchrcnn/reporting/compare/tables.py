"""A comparison as tables, from which Markdown and HTML are both written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from matchrcnn.reporting.compare.differences import Difference, Limits, ScoreDifferences, differences, only_in_one
from matchrcnn.reporting.compare.parameters import changed
from matchrcnn.reporting.compare.versions import Version
from matchrcnn.reporting.tables.benchmark import SUBSET_HEADER
from matchrcnn.reporting.tables.data import PlainTable
from matchrcnn.reporting.tables.table import DASH, NOTHING, Cell, Group, Part, Row, Table, number
from matchrcnn.reporting.titles import measure_title, score_title
from matchrcnn.subsets import COLUMNS
from matchrcnn.tasks import PRECISION, TASKS
from matchrcnn.taxonomy import CATEGORY_NAMES

OVERALL = (*PRECISION, "AR", "top1", "top10", "top20")
HEADLINES = tuple(dict.fromkeys(task.headline for task in TASKS.values()))
"""The first number of a score: AP, or top-20."""

BETTER, WORSE = "\N{BLACK UP-POINTING TRIANGLE}", "\N{BLACK DOWN-POINTING TRIANGLE}"
MINUS = "\N{MINUS SIGN}"
LEGEND = (
    f"{BETTER} better, {WORSE} worse by more than chance: the {{level:.0%}} interval of the difference, from a "
    "bootstrap that draws the same images for both, does not hold 0. It speaks of these images, not of another "
    "training with another seed. Of 100 numbers between which nothing differs about {expected:.0f} are marked all the "
    "same, so read the overall ones first."
)


@dataclass(frozen=True)
class Comparison:
    """All that is said of one version compared with the first.

    Attributes:
        summary: the main finding, in a sentence or two.
        tables: overall, subsets, categories.
        params: what differs in the parameters; None where nothing does or none are known.
        notes: what could not be compared, and why; the legend of the marks.
    """

    title: str
    summary: str
    tables: tuple[Table, ...]
    params: PlainTable | None
    params_note: str
    notes: tuple[str, ...]


def compare_versions(first: Version, second: Version) -> Comparison:
    """Everything that differs in the second version."""
    scores = differences(first, second)
    return Comparison(
        title=f"{second.label} compared with {first.label}",
        summary=_summary(scores),
        tables=tuple(_tables(first, second, scores)),
        params=_params(first, second),
        params_note=_params_note(first, second),
        notes=tuple(_notes(first, second, scores)),
    )


def _tables(first: Version, second: Version, scores: Sequence[ScoreDifferences]) -> Iterable[Table]:
    if not scores:
        return
    columns = (first.label, second.label, "difference", "interval of the difference")
    yield Table("overall", "Over all items", (("", columns),), tuple(map(_overall, scores)))
    if differing := [found for found in scores if not found.same]:
        header = (*SUBSET_HEADER, ("", ("overall",)))
        paths = [f"{column}/" for column in COLUMNS]
        groups = (_differences(found, paths) for found in differing)
        yield Table("subsets", "Differences on the subsets", header, tuple(groups))
    if by_category := [found for found in differing if f"category/{CATEGORY_NAMES[0]}/AP" in found.numbers]:
        header = (("", CATEGORY_NAMES),)
        paths = [f"category/{name}/" for name in CATEGORY_NAMES]
        groups = (_differences(found, paths) for found in by_category)
        yield Table("categories", "Differences of each category", header, tuple(groups))


def _overall(found: ScoreDifferences) -> Group:
    """A line for each overall number; one is enough where nothing can differ."""
    numbers = ((name, found.numbers.get(f"overall/{name}")) for name in OVERALL)
    rows = [Row(name, tuple(_overall_cells(one))) for name, one in numbers if one is not None]
    return Group(_name(found), tuple(rows[:1] if found.same else rows))


def _overall_cells(one: Difference) -> Iterable[Cell]:
    yield (Part(number(one.first)),)
    yield (Part(number(one.second)),)
    yield _marked(one)
    yield (Part(_limits(one.interval)),)


def _differences(found: ScoreDifferences, paths: Sequence[str]) -> Group:
    """The differences in AP (of retrieval: top-20), and their intervals where there are any."""
    measure = _headline(found) or HEADLINES[0]
    numbers = [found.numbers.get(path + measure, Difference(None, None)) for path in paths]
    rows = [Row(measure_title(measure), tuple(map(_marked, numbers)))]
    if not found.unpaired:
        cells = tuple((Part(_limits(one.interval)),) for one in numbers)
        rows.append(Row(f"{found.level:.0%}", cells, "interval"))
    return Group(_name(found), tuple(rows))


def _marked(one: Difference) -> Cell:
    """A difference, with its mark where it is larger than chance."""
    if one.value is None:
        return (Part(NOTHING),)
    if not one.beyond_chance:
        return (Part(signed(one.value)),)
    mark, verdict = (BETTER, "better") if one.value > 0 else (WORSE, "worse")
    return (Part(f"{signed(one.value)} {mark}", one.value, f"{verdict} by more than chance"),)


def signed(value: float) -> str:
    """A difference with its sign and three decimals; one of exactly 0 has none."""
    if value == 0:
        return number(0.0)
    return f"{'+' if value > 0 else MINUS}{abs(value):.3f}"


def _limits(interval: Limits | None) -> str:
    return NOTHING if interval is None else f"{signed(interval[0])} to {signed(interval[1])}"


def _name(found: ScoreDifferences) -> str:
    return f"{found.run}: {score_title(found.score)}"


def _summary(scores: Sequence[ScoreDifferences]) -> str:
    """Which first overall numbers differ by more than chance, or why that cannot be said."""
    if not scores:
        return "No run is in both."
    if all(found.same for found in scores):
        return "The same results in every run: no number differs."
    first = [(found, found.numbers[f"overall/{measure}"]) for found in scores if (measure := _headline(found))]
    judged = [(found, one) for found, one in first if not found.unpaired]
    sentences = [_listed("Better", judged, lambda one: one.beyond_chance and (one.value or 0) > 0)]
    sentences += [_listed("Worse", judged, lambda one: one.beyond_chance and (one.value or 0) < 0)]
    sentences += [_listed("Within chance", judged, lambda one: not one.beyond_chance)]
    sentences += [_listed("Not judged", [pair for pair in first if pair[0].unpaired], lambda _: True)]
    return " ".join(filter(None, sentences))


def _headline(found: ScoreDifferences) -> str:
    return next((measure for measure in HEADLINES if f"overall/{measure}" in found.numbers), "")


def _listed(
    verdict: str, judged: Sequence[tuple[ScoreDifferences, Difference]], chosen: Callable[[Difference], bool]
) -> str:
    values = [(_name(found), one.value) for found, one in judged if chosen(one)]
    names = [name if value is None else f"{name} ({signed(value)})" for name, value in values]
    return f"{verdict}: {'; '.join(names)}." if names else ""


def _params(first: Version, second: Version) -> PlainTable | None:
    if not first.params or not second.params:
        return None
    rows = changed([first.params, second.params])
    cells = tuple((key, *(DASH if value is None else value for value in values)) for key, values in rows)
    return PlainTable("Parameters that differ", ("parameter", first.label, second.label), cells) if rows else None


def _params_note(first: Version, second: Version) -> str:
    if unknown := [version.label for version in (first, second) if not version.params]:
        return f"Unknown for {', '.join(unknown)}: there is no params.yaml next to the reports."
    return "" if changed([first.params, second.params]) else "No parameter differs."


def _notes(first: Version, second: Version, scores: Sequence[ScoreDifferences]) -> Iterable[str]:
    if paired := next((found for found in scores if not found.unpaired and not found.same), None):
        yield LEGEND.format(level=paired.level, expected=100 * (1 - paired.level))
    for label, runs in only_in_one(first, second).items():
        yield f"Only in {label}: {', '.join(runs)}."
    for reason in dict.fromkeys(found.unpaired for found in scores if found.unpaired):
        names = [_name(found) for found in scores if found.unpaired == reason]
        yield f"Without intervals, so that chance is not ruled out: {'; '.join(names)}: {reason}."
    same = [_name(found) for found in scores if found.same]
    if same and len(same) < len(scores):
        yield f"From the same result file, bit for bit: {'; '.join(same)}."
