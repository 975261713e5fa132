"""Differences between two reports: paired intervals where both scored the same images by the same rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matchrcnn.errors import UserError
from matchrcnn.evaluation.intervals.paired import Resampled, compare, read_resampled
from matchrcnn.evaluation.retrieval.intervals import compare_retrieval
from matchrcnn.paths import flatten
from matchrcnn.project import LEVEL, Report
from matchrcnn.reporting.compare.versions import Version
from matchrcnn.tasks import EMBEDDINGS, PRECISION, STREAM_OF, TOP_K

SHOWN = (*PRECISION, "AR", *TOP_K)
"""Numbers that are compared, in their order; larger is better for each."""

Limits = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """One number in both versions, and the interval of the paired difference where there is one."""

    first: float | None
    second: float | None
    interval: Limits | None = None

    @property
    def value(self) -> float | None:
        """Second less first; None where one of them has no value."""
        return None if self.first is None or self.second is None else self.second - self.first

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval does not hold 0."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


@dataclass(frozen=True)
class ScoreDifferences:
    """All numbers of one score of a run, by their path in it, such as `scale/small/AP`.

    Attributes:
        run: its name; both names where two runs are compared.
        score: its key in metrics.json.
        same: whether both were scored from the same result file: nothing can differ.
        unpaired: why there are no intervals; empty where there are.
        level: of the intervals.
    """

    run: str
    score: str
    numbers: Mapping[str, Difference]
    same: bool = False
    unpaired: str = ""
    level: float = LEVEL


def differences(first: Version, second: Version) -> list[ScoreDifferences]:
    """Every score that both versions have, run by run; two single runs are compared whatever their names."""
    if first.single and second.single:
        (a, one), (b, other) = *first.reports.items(), *second.reports.items()
        return _of_reports(a if a == b else f"{a}, {b}", one, other)
    common = [run for run in first.reports if run in second.reports]
    return [found for run in common for found in _of_reports(run, first.reports[run], second.reports[run])]


def only_in_one(first: Version, second: Version) -> dict[str, list[str]]:
    """Label -> runs that the other version lacks."""
    if first.single and second.single:
        return {}
    lacking = {
        first.label: [run for run in first.reports if run not in second.reports],
        second.label: [run for run in second.reports if run not in first.reports],
    }
    return {label: runs for label, runs in lacking.items() if runs}


def _of_reports(run: str, first: Report, second: Report) -> list[ScoreDifferences]:
    pair = _Pair(first, second)
    others = _scores(second)
    return [
        _of_score(run, key, pair, _numbers(own), _numbers(others[key]))
        for key, own in _scores(first).items()
        if key in others
    ]


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two reports; their resamples are read once."""

    first: Report
    second: Report

    @cached_property
    def resampled(self) -> tuple[dict[str, Resampled], dict[str, Resampled]]:
        """The resamples of each score.

        Raises:
            UserError: they cannot be had.
        """
        return read_resampled(self.first.resamples), read_resampled(self.second.resamples)


def _of_score(
    run: str, key: str, pair: _Pair, values: dict[str, float | None], others: dict[str, float | None]
) -> ScoreDifferences:
    level = pair.first.level
    same, unpaired, intervals = _same_results(pair, key), "", dict[str, Limits]()
    if not same:
        try:
            intervals = _paired(pair, key, level)
        except UserError as error:
            unpaired = str(error)
    numbers = {
        path: Difference(values.get(path), others.get(path), (0.0, 0.0) if same else intervals.get(path))
        for path in dict.fromkeys([*values, *others])
    }
    return ScoreDifferences(run, key, numbers, same, unpaired, level)


def _paired(pair: _Pair, key: str, level: float) -> dict[str, Limits]:
    """Intervals of the paired differences.

    Raises:
        UserError: there is nothing to pair; it says why.
    """
    first, second = pair.first.protocol, pair.second.protocol
    if first.get("annotations") != second.get("annotations"):
        raise UserError("scored on other validation data")
    if first.get("subset_rule") != second.get("subset_rule"):
        raise UserError("scored by another subset rule")
    one, other = (resampled.get(key) for resampled in pair.resampled)
    if one is None or other is None:
        raise UserError("this stream was not resampled")
    paired = compare_retrieval if STREAM_OF.get(key) is EMBEDDINGS else compare
    return _intervals(paired(one, other, level))


def _same_results(pair: _Pair, key: str) -> bool:
    """Whether the digests of annotations, rule and result file are equal, and known."""
    digests = [_digests(report, key) for report in (pair.first, pair.second)]
    return None not in digests[0] and digests[0] == digests[1]


def _digests(report: Report, key: str) -> tuple[str | None, str, str | None]:
    """Annotations, subset rule and result file of a score; of landmarks one file has both scores."""
    protocol = report.protocol
    results = protocol.get("results") or {}
    stream = STREAM_OF.get(key)
    found = results.get(key) or (results.get(stream.kind) if stream else None)
    return protocol.get("annotations"), protocol.get("subset_rule", ""), found


def _scores(report: Report) -> dict[str, Mapping[str, Any]]:
    """The numbers of each score by its key: a score is what has an `overall`; retrieval's are a level deeper."""
    found = flatten(report.metrics, is_leaf=lambda value: "overall" in value)
    return {key: content for key, content in found.items() if isinstance(content, Mapping)}


def _numbers(nested: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        path: float(value) if isinstance(value, int | float) else None
        for path, value in flatten(nested).items()
        if path.rpartition("/")[2] in SHOWN
    }


def _intervals(nested: Mapping[str, Any]) -> dict[str, Limits]:
    found = flatten(nested, is_leaf=lambda value: "interval" in value)
    return {path: (leaf["interval"][0], leaf["interval"][1]) for path, leaf in found.items() if leaf is not None}
