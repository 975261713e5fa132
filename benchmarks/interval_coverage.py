"""Measure how often the intervals hold what they are about: `python -m benchmarks.interval_coverage`.

Many samples of images are drawn from a synthetic population (`benchmarks.synthetic.sample`), each is scored with its
intervals by the project's engine, and for every cell it is counted how often the interval holds

- the expected number: the mean over samples of this size, the stated target, measured on further samples;
- the population's number, of one very large sample.

Columns of the table: mean items of the cell, mean items of the category that has fewest in it, the population's number,
the expected one, then for each method the share of intervals that hold the expected number, with their mean width; for
the method in use (`moderated`) also the share of misses below and above, and the share that hold the population's
number. The last lines give range and mean over the cells whose categories have at least 5 expected items each, and over
all. A share measured on 300 samples is off by up to 2.5 points by chance, so that the extreme of 26 cells is not news.
`--paired` draws two runs of equal quality on the same images instead, and counts how often they are called different.
Retrieval has queries of known success, one or two to an image, whose outcomes are correlated within an image.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.synthetic.sample import LIMITS, SHARES, draw_scored
from benchmarks.synthetic.validation import LEVEL_SHARES
from matchrcnn.config import BootstrapParams
from matchrcnn.evaluation.coco.metrics import CELLS, MEASURES, cells, measure
from matchrcnn.evaluation.coco.precision import count_items
from matchrcnn.evaluation.intervals.bootstrap import resample
from matchrcnn.evaluation.intervals.paired import Resampled, paired
from matchrcnn.evaluation.intervals.spread import Spread, interval, spread
from matchrcnn.evaluation.retrieval.intervals import paired_shares, resample_retrieval, share_interval
from matchrcnn.evaluation.retrieval.outcomes import KS, NEVER, Outcomes
from matchrcnn.subsets import NUM_COLUMNS, OVERALL, column_bits
from matchrcnn.taxonomy import SUBSETS

LEVEL = 0.95
LEAST = 5
"""Expected items of every category, from which on the coverage of a cell is promised."""

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_FURTHER = 10**6  # seeds of the samples that only tell the expected numbers begin here
_RESAMPLES = 10**9  # seeds of the resamples begin here: one stream of random numbers must not do both
_NAMES = ["/".join(path) for path in CELLS]
_RETRIEVAL = [f"overall/top{k}" for k in KS] + [f"{attribute}/{level}" for attribute, level in SUBSETS]

_REACHED = np.array([0.25, 0.45, 0.6, 0.65, 0.7])  # retrieval's expected shares, top-1 to top-20
_RANKS = np.array([0, 3, 7, 12, 18, NEVER])
_EXPECTED = np.append(_REACHED, np.full(len(SUBSETS), _REACHED[-1]))
_TOGETHER = 0.4

Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample with its resamples, for one measure: values (26,), samples (B, 26), spread of M = 1 measures."""

    values: np.ndarray
    samples: np.ndarray
    spread: Spread


def moderated(sample: Sample) -> Ends:
    """Return the project's intervals."""
    low, high = interval(sample.values[:, None], sample.spread, LEVEL)
    return low[:, 0], high[:, 0]


def percentile(sample: Sample) -> Ends:
    """Return quantiles of the resamples."""
    return _quantiles(sample, np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])[:, None])


def basic(sample: Sample) -> Ends:
    """Return the percentile interval mirrored at the number."""
    low, high = percentile(sample)
    return 2 * sample.values - high, 2 * sample.values - low


def bias_corrected(sample: Sample) -> Ends:
    """Return Efron's percentiles, shifted by where the number lies among the resamples."""
    below = np.clip((sample.samples < sample.values).mean(axis=0), 0.005, 0.995)
    shift = 2 * np.array([NormalDist().inv_cdf(share) for share in below])
    ends = np.array([[NormalDist().cdf(place + sign * _Z) for place in shift] for sign in (-1, 1)])
    return _quantiles(sample, ends)


def normal(sample: Sample) -> Ends:
    """Return the number and 1.96 times the spread of the resamples."""
    margin = _Z * np.sqrt(sample.spread.cells[:, 0])
    return sample.values - margin, sample.values + margin


def corrected(sample: Sample) -> Ends:
    """Return the normal interval with each category's variance times n / (n - 1), the others' per item for one item."""
    items, own = sample.spread.items, np.nan_to_num(sample.spread.categories[0])
    each = own * items / np.maximum(items - 1, 1)
    freedom = np.maximum(items - 1, 0)
    pooled = (each * items * freedom).sum(axis=0) / np.maximum(freedom.sum(axis=0), 1)
    each = np.where(items == 1, pooled, each)
    with np.errstate(invalid="ignore", divide="ignore"):
        added = (each - own).sum(axis=0) / (items > 0).sum(axis=0) ** 2
    variance = np.concatenate([sample.spread.cells[:NUM_COLUMNS, 0] + added, each[:, OVERALL]])
    margin = _Z * np.sqrt(variance)
    return sample.values - margin, sample.values + margin


METHODS: dict[str, Callable[[Sample], Ends]] = {
    "moderated": moderated,
    "percentile": percentile,
    "basic": basic,
    "bias-corrected": bias_corrected,
    "normal": normal,
    "n/(n-1)": corrected,
}


def _quantiles(sample: Sample, shares: np.ndarray) -> Ends:
    """Quantiles of the resamples of each cell; NaN where no resample has it."""
    ends = np.full((2, len(sample.values)), np.nan)
    for cell, column in enumerate(sample.samples.T):
        present = column[~np.isnan(column)]
        if len(present):
            ends[:, cell] = np.quantile(present, shares[:, min(cell, shares.shape[1] - 1)])
    return ends[0], ends[1]


@dataclass(frozen=True)
class Setting:
    """What is drawn: the command's arguments, a kind, a number of images and shares of the categories."""

    kind: str
    images: int
    shares: str
    samples: int
    further: int
    resamples: int
    seed: int
    population: int
    measure: int

    def draw(self, number: int, run: int = 0) -> Resampled:
        """Score a sample with its resamples."""
        scored = draw_scored(self.images, self.kind, SHARES[self.shares], self.seed + number, run)
        bootstrap = BootstrapParams(resamples=self.resamples, level=LEVEL, seed=_RESAMPLES + self.seed + number)
        categories = resample(scored, self.images, bootstrap)
        values = measure(scored, np.ones((self.images, 1), np.int16))[0]
        return Resampled(values, cells(categories), str(number), count_items(scored), categories)

    def value(self, number: int, images: int) -> np.ndarray:
        """Numbers of a sample, (26,)."""
        scored = draw_scored(images, self.kind, SHARES[self.shares], self.seed + _FURTHER + number)
        return measure(scored, np.ones((images, 1), np.int16))[0, :, self.measure]


def measure_coverage(setting: Setting) -> str:
    """Return the table of a setting."""
    values, items, ends = [], [], {name: [] for name in METHODS}
    for number in tqdm(range(setting.samples), desc=_title(setting), disable=None):
        drawn = setting.draw(number)
        numbers = np.where(drawn.categories < 0, np.nan, drawn.categories)[setting.measure, None]
        samples = drawn.samples[:, :, setting.measure]
        found = Sample(drawn.values[:, setting.measure], samples, spread(samples[:, :, None], numbers, drawn.items))
        values.append(found.values)
        items.append(drawn.items)
        for name, method in METHODS.items():
            ends[name].append(np.clip(method(found), 0, 1))
    further = [setting.value(number, setting.images) for number in range(setting.further)]
    expected = np.nanmean(np.stack(values + further), axis=0)
    population = setting.value(setting.further, setting.population)
    counts = np.stack(items)
    total = np.concatenate([counts.sum(axis=1), counts[:, :, OVERALL]], axis=1).mean(axis=0)
    fewest = counts.mean(axis=0)
    fewest = np.concatenate([fewest.min(axis=0), fewest[:, OVERALL]])
    limits = {name: np.stack(each) for name, each in ends.items()}
    return _table(np.stack(values), total, fewest, population, expected, limits)


def _table(
    values: np.ndarray,
    items: np.ndarray,
    fewest: np.ndarray,
    population: np.ndarray,
    expected: np.ndarray,
    limits: dict[str, np.ndarray],
) -> str:
    present = ~np.isnan(values)
    held = {name: _held(ends, expected, present) for name, ends in limits.items()}
    own = limits["moderated"]
    above = 100 * _share(own[:, 0] > expected, present)
    below = 100 * _share(own[:, 1] < expected, present)
    of_population = _held(own, population, present)
    rows = []
    for cell in range(values.shape[1]):
        row = [_NAMES[cell], f"{items[cell]:.1f}", f"{fewest[cell]:.1f}", f"{population[cell]:.3f}"]
        row.append(f"{expected[cell]:.3f}")
        for name, ends in limits.items():
            width = np.nanmean((ends[:, 1] - ends[:, 0])[present[:, cell], cell])
            row.append(f"{held[name][cell]:.1f} ({width:.3f})")
        rows.append([*row, f"{below[cell]:.1f} / {above[cell]:.1f}", f"{of_population[cell]:.1f}"])
    for text, chosen in ((f"cells of {LEAST} items a category", fewest >= LEAST), ("all cells", fewest > -1)):
        ranges = [_range(one[chosen]) for one in held.values()]
        rows.append([text, "", "", "", "", *ranges, "", ""])
    heads = ["cell", "items", "fewest", "population", "expected", *limits, "below / above", "holds population"]
    return tabulate(rows, heads, "github", disable_numparse=True)


def _range(shares: np.ndarray) -> str:
    return f"{shares.min():.1f} to {shares.max():.1f}, mean {shares.mean():.1f}"


def _held(ends: np.ndarray, target: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Share of the samples that have a cell whose interval holds a number, in percent, (C,)."""
    return 100 * _share((ends[:, 0] <= target) & (target <= ends[:, 1]), present)


def _share(flags: np.ndarray, present: np.ndarray) -> np.ndarray:
    return (flags & present).sum(axis=0) / np.maximum(present.sum(axis=0), 1)


def measure_false_alarms(setting: Setting) -> str:
    """Return how often two runs of equal quality are called different, cell by cell."""
    alarms, compared, percentiles, items = [], [], [], []
    for number in tqdm(range(setting.samples), desc=f"{_title(setting)}, paired", disable=None):
        first, second = setting.draw(number), setting.draw(number, run=1)
        difference, low, high = (part[:, setting.measure] for part in paired(first, second, LEVEL))
        compared.append(~np.isnan(difference))
        alarms.append((low > 0) | (high < 0))
        apart = (second.samples - first.samples)[:, :, setting.measure]
        low, high = _quantiles(
            Sample(difference, apart, Spread(np.empty(0), np.empty(0), first.items)),
            np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])[:, None],
        )
        percentiles.append((low > 0) | (high < 0))
        items.append(first.items)
    counts = np.stack(items).mean(axis=0)
    fewest = np.concatenate([counts.min(axis=0), counts[:, OVERALL]])
    shares = [100 * _share(np.stack(flags), np.stack(compared)) for flags in (alarms, percentiles)]
    rows: list[tuple] = [*zip(_NAMES, fewest, *shares, strict=True)]
    rows.append(("mean over cells", None, *(share.mean() for share in shares)))
    return tabulate(rows, ["cell", "fewest", "moderated", "percentile"], "github", floatfmt=".1f")


def measure_retrieval(images: int, samples: int, resamples: int, seed: int) -> str:
    """Return coverage of retrieval's shares, and false alarms of its comparison."""
    rng = np.random.default_rng(seed)
    held, widths, alarms, queries = [], [], [], []
    for number in tqdm(range(samples), desc=f"retrieval, {images:,} images", disable=None):
        bootstrap = BootstrapParams(resamples=resamples, level=LEVEL, seed=_RESAMPLES + seed + number)
        image, runs = _draw_outcomes(rng, images)
        first, second = (resample_retrieval(run, image, bootstrap) for run in runs)
        low, high = share_interval(first, LEVEL)
        held.append(np.where(np.isnan(low), np.nan, (low <= _EXPECTED) & (high >= _EXPECTED)))
        widths.append(high - low)
        _, low, high = paired_shares(first, second, LEVEL)
        alarms.append(np.where(np.isnan(low), np.nan, (low > 0) | (high < 0)))
        queries.append(first.items[:, 0])
    columns = np.mean(queries, axis=0), _EXPECTED, 100 * np.nanmean(held, axis=0), np.nanmean(widths, axis=0)
    rows = zip(_RETRIEVAL, *columns, 100 * np.nanmean(alarms, axis=0), strict=True)
    heads = ["share", "queries", "expected", "moderated", "width", "false alarms"]
    return tabulate(rows, heads, "github", floatfmt=("", ".1f", ".2f", ".1f", ".3f", ".1f"))


def _draw_outcomes(rng: np.random.Generator, images: int) -> tuple[np.ndarray, list[Outcomes]]:
    """Images of the queries, (Q,) int64, and what became of these in two runs of equal quality."""
    image = np.repeat(np.arange(images), rng.integers(1, 3, images))
    levels = np.stack([rng.choice(3, len(image), p=shares) + 1 for shares in LEVEL_SHARES.values()], axis=1)
    matches, runs = rng.integers(1, 15, len(image)), []
    shared = rng.random(len(image)) < _TOGETHER  # queries that end as their image's common draw does
    for _ in range(2):
        draw = np.where(shared, rng.random(images)[image], rng.random(len(image)))
        first = _RANKS[np.searchsorted(_REACHED, draw, side="right")]
        hits = np.arange(NEVER) == first[:, None]
        everything = np.zeros(len(image), np.int64)
        runs.append(Outcomes(np.arange(len(image)), everything, hits, matches, column_bits(levels), 100))
    return image, runs


def _title(setting: Setting) -> str:
    return f"{setting.kind}, {setting.images:,} images, {setting.shares} shares"


def main() -> None:
    """Print a table for each setting."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.interval_coverage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = [*LIMITS, "retrieval"]
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--images", nargs="+", type=int, default=[240, 2000, 16000], help="of a sample")
    parser.add_argument("--shares", nargs="+", choices=list(SHARES), default=list(SHARES), help="of the categories")
    parser.add_argument("--samples", type=int, default=1000, help="with intervals (default: %(default)s)")
    parser.add_argument("--further", type=int, default=3000, help="that only tell the expected number")
    parser.add_argument("--resamples", type=int, default=200, help="of each sample (default: %(default)s)")
    parser.add_argument("--population", type=int, default=100_000, help="images of the very large sample")
    parser.add_argument("--measure", choices=MEASURES, default=MEASURES[0])
    parser.add_argument("--seed", type=int, default=0, help="of the first sample; the others follow")
    parser.add_argument("--paired", action="store_true", help="count false alarms of the comparison of two runs")
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        for images in arguments.images:
            for shares in arguments.shares:
                if kind == "retrieval":
                    table = measure_retrieval(images, arguments.samples, arguments.resamples, arguments.seed)
                    print(f"### retrieval, {images:,} images with queries\n\n{table}\n", flush=True)
                    break
                setting = Setting(
                    kind,
                    images,
                    shares,
                    arguments.samples,
                    arguments.further,
                    arguments.resamples,
                    arguments.seed,
                    arguments.population,
                    MEASURES.index(arguments.measure),
                )
                measured = measure_false_alarms(setting) if arguments.paired else measure_coverage(setting)
                print(f"### {_title(setting)}, {arguments.measure}\n\n{measured}\n", flush=True)


if __name__ == "__main__":
    main()
