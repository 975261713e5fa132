"""What differs between two reports: paired intervals where both scored the same images by the same rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matchrcnn.errors import UserError
from matchrcnn.evaluation.intervals.paired import compare
from matchrcnn.evaluation.retrieval.intervals import compare_retrieval
from matchrcnn.reporting.compare.versions import Report, Version

SHOWN = ("AP", "AP50", "AP75", "AR", "top1", "top5", "top10", "top15", "top20")
"""Numbers that are compared, in their order; larger is better for each."""

LEVEL = 0.95
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
class StreamDifferences:
    """All numbers of a stream of a run, by their path in it, such as `scale/small/AP`.

    Attributes:
        run: its name; both names where two runs are compared.
        same: whether both were scored from the same result file: nothing can differ.
        unpaired: why there are no intervals; empty where there are.
        level: of the intervals.
    """

    run: str
    stream: str
    numbers: Mapping[str, Difference]
    same: bool = False
    unpaired: str = ""
    level: float = LEVEL


def differences(first: Version, second: Version) -> list[StreamDifferences]:
    """Every stream that both versions have, run by run; two single runs are compared whatever their names."""
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


def _of_reports(run: str, first: Report, second: Report) -> list[StreamDifferences]:
    found, others = dict(_streams(first.metrics)), dict(_streams(second.metrics))
    return [
        _of_stream(run, stream, first, second, found[stream], others[stream]) for stream in found if stream in others
    ]


def _of_stream(
    run: str, stream: str, first: Report, second: Report, own: Mapping[str, Any], other: Mapping[str, Any]
) -> StreamDifferences:
    values, others = dict(_numbers(own)), dict(_numbers(other))
    level = float((first.protocol.get("bootstrap") or {}).get("level", LEVEL))
    same, unpaired, intervals = _same_results(first, second, stream), "", {}
    if not same:
        try:
            intervals = _paired(first, second, stream, level)
        except UserError as error:
            unpaired = str(error)
    numbers = {
        path: Difference(values.get(path), others.get(path), (0.0, 0.0) if same else intervals.get(path))
        for path in dict.fromkeys([*values, *others])
    }
    return StreamDifferences(run, stream, numbers, same, unpaired, level)


def _paired(first: Report, second: Report, stream: str, level: float) -> dict[str, Limits]:
    """Intervals of the paired differences.

    Raises:
        UserError: there is nothing to pair; it says why.
    """
    for key, what in (("annotations", "on other validation data"), ("subset_rule", "by another subset rule")):
        if first.protocol.get(key) != second.protocol.get(key):
            raise UserError(f"scored {what}")
    one, other = (report.resampled.get(stream) for report in (first, second))
    if one is None or other is None:
        raise UserError("this stream was not resampled")
    pair = compare_retrieval if stream.startswith("retrieval/") else compare
    return dict(_intervals(pair(one, other, level)))


def _same_results(first: Report, second: Report, stream: str) -> bool:
    """Whether the digests of annotations, rule and result file are equal, and known."""
    kind = "landmarks" if stream.startswith("landmarks") else stream
    known = [
        (report.protocol.get("annotations"), report.protocol.get("subset_rule"), report.protocol["results"][kind])
        for report in (first, second)
        if kind in (report.protocol.get("results") or {})
    ]
    return len(known) == 2 and known[0] == known[1] and known[0][0] is not None


def _streams(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Streams are what has an `overall`; retrieval's lie a level deeper."""
    for name, content in metrics.items():
        if isinstance(content, Mapping) and "overall" in content:
            yield f"{prefix}{name}", content
        elif isinstance(content, Mapping):
            yield from _streams(content, f"{prefix}{name}/")


def _numbers(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}/")
        elif key in SHOWN:
            yield f"{prefix}{key}", float(value) if isinstance(value, int | float) else None


def _intervals(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Limits]]:
    for key, value in nested.items():
        if isinstance(value, Mapping) and "interval" in value:
            yield f"{prefix}{key}", (value["interval"][0], value["interval"][1])
        elif isinstance(value, Mapping):
            yield from _intervals(value, f"{prefix}{key}/")
