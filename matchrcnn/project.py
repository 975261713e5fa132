"""A project's folders, and all that a run left in its own: the only module that knows where things are."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, cast

import yaml
from pydantic import TypeAdapter, ValidationError

from matchrcnn.config import Params, RunConfig, RunParams, load_params, wrong_fields
from matchrcnn.errors import UserError
from matchrcnn.files import read_json, sha256
from matchrcnn.paths import lookup
from matchrcnn.tasks import TASKS, VARIANTS, Stream, Task, Variant

PARAMS = "params.yaml"
WEIGHTS, CONFIG, TRAINING = "model.safetensors", "config.yaml", "training.json"
"""Files of a trained run, in its folder of models: weights, configuration, data and length of the training."""

METRICS, INTERVALS, PROTOCOL, DIAGNOSIS = "metrics.json", "intervals.json", "protocol.json", "diagnosis.json"
HEADLINE, PRECISION_RECALL, CONFUSION, RESAMPLES = (
    "headline.json",
    "precision_recall.csv",
    "confusion.csv",
    "resamples.npz",
)
CURVES, CARD = "curves.csv", "card.md"
"""Files of a run's report: those that its evaluation writes, the curves of its training, the card of its model."""

SPLITS = ("train", "validation")
LEVEL = 0.95
Interval = tuple[float, float]


class Bootstrap(TypedDict, total=False):
    """How intervals were computed."""

    resamples: int
    level: float
    seed: int


class Protocol(TypedDict, total=False):
    """How a run was scored; reports of another origin may lack any of it.

    Attributes:
        annotations: SHA-256 of the converted annotations.
        results: SHA-256 of each result file, by the kind of its stream or the key of its score.
        counts: nested numbers of images and items in each column.
    """

    subset_rule: str
    bootstrap: Bootstrap
    annotations: str
    results: dict[str, str]
    counts: dict[str, Any]


@dataclass(frozen=True)
class TrainingSummary:
    """Data and length of a training, as training.json states them.

    Attributes:
        data: the data set by its name: "DeepFashion2" or "sample data".
        images: training images that hold an item.
        iterations: optimizer steps.
        drops: iterations at which the learning rate falls to a tenth (step decay).
        digest: of everything that the training is made from; checkpoints and MLflow know it by this.
    """

    data: str
    train_sha256: str
    validation_sha256: str
    images: int
    items: int
    iterations: int
    drops: tuple[int, ...]
    digest: str


class ProvenanceRecord(TypedDict, total=False):
    """Where and when a model was trained; empty where that is not known.

    Attributes:
        model: SHA-256 of its weights, so that a report shows this only for the model that it describes.
        started: when, in UTC, as 2026-01-31T12:00:00Z.
        wall_s: seconds, all parts of a resumed training together.
    """

    model: str
    commit: str
    dirty: bool
    started: str
    wall_s: float
    hardware: str
    versions: dict[str, str]


@dataclass(frozen=True, eq=False)
class Report:
    """The folder of reports of one run, of this project or from anywhere; files that may be missing are empty here.

    Attributes:
        reports: the folder, `reports/RUN`.
        fetch: puts the resamples there where they are not at hand.
    """

    reports: Path
    fetch: Callable[[], None] = lambda: None

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The nested numbers of metrics.json."""
        return _mapping(self.reports / METRICS)

    @cached_property
    def intervals(self) -> dict[str, Any]:
        """The nested confidence intervals; empty where none were computed."""
        return _optional_mapping(self.reports / INTERVALS)

    @cached_property
    def protocol(self) -> Protocol:
        """How the numbers were computed: subset rule, bootstrap, digests and counts; empty where it was not written."""
        return cast(Protocol, _optional_mapping(self.reports / PROTOCOL))

    @property
    def level(self) -> float:
        """Confidence level of the intervals, 0..1; 0.95 where it was not written."""
        return float((self.protocol.get("bootstrap") or {}).get("level", LEVEL))

    @cached_property
    def diagnosis(self) -> dict[str, Any]:
        """What costs the AP, by stream; empty where nothing was diagnosed."""
        return _optional_mapping(self.reports / DIAGNOSIS)

    @cached_property
    def curves(self) -> list[dict[str, str]]:
        """Rows of curves.csv."""
        return _csv(self.reports / CURVES)

    @cached_property
    def precision_recall(self) -> list[dict[str, str]]:
        """Rows of precision_recall.csv."""
        return _csv(self.reports / PRECISION_RECALL)

    @property
    def evaluated(self) -> bool:
        """Whether its numbers are there."""
        return (self.reports / METRICS).is_file()

    @property
    def resamples(self) -> Path:
        """The resamples, fetched where they are not at hand.

        Raises:
            UserError: they cannot be had.
        """
        path = self.reports / RESAMPLES
        if not path.exists():
            self.fetch()
        return path

    def has(self, key: str) -> bool:
        """Whether the run was scored on a score, by its key as `box` or `retrieval/detected_box`."""
        return isinstance(lookup(self.metrics, key), Mapping)

    def value(self, path: str) -> float | None:
        """The number at a path such as `box/scale/small/AP`; None where there is nothing to measure."""
        value = lookup(self.metrics, path)
        return float(value) if isinstance(value, int | float) else None

    def interval(self, path: str) -> Interval | None:
        """The confidence interval at a path such as `box/overall/AP`, or None."""
        value = lookup(self.intervals, path)
        if not isinstance(value, list) or len(value) != 2 or None in value:
            return None
        return float(value[0]), float(value[1])

    def count(self, key: str, column: str, what: str) -> int | None:
        """How many `images` or `items` a column counts; the protocol states it for each score or for all at once."""
        counts = self.protocol.get("counts", {})
        for path in (f"{key}/{column}/{what}", f"{column}/{what}"):
            value = lookup(counts, path)
            if isinstance(value, int):
                return value
        return None


@dataclass(frozen=True, eq=False)
class Run(Report):
    """One run of a project: its folders, and what its stages left in them.

    Attributes:
        name: in params.yaml.
        project: that it is a run of.
    """

    name: str = ""
    project: "Project" = cast("Project", None)  # noqa: RUF009 (a field after those of Report needs a default)

    @property
    def params(self) -> RunParams:
        """Its entry in params.yaml."""
        return self.project.params.runs[self.name]

    @cached_property
    def settings(self) -> RunConfig:
        """Its configuration as params.yaml has it now."""
        return self.project.params.run(self.name)

    @property
    def task(self) -> Task:
        """What it is trained for."""
        return TASKS[self.params.task]

    @property
    def schedule(self) -> str:
        """Length of its training: 1x, 2x or s1x."""
        return self.params.schedule

    @cached_property
    def variant(self) -> Variant | None:
        """What its match network reads: as its model's configuration records it, else as params.yaml has it now.

        None where its task has no match network.
        """
        if self.settings.retrieval is None:
            return None
        return VARIANTS.get(lookup(self.config, "retrieval/variant") or self.settings.retrieval.variant)

    @property
    def model(self) -> Path:
        """Its folder of models, `models/RUN`."""
        return self.project.models / self.name

    @property
    def weights(self) -> Path:
        """Its trained weights."""
        return self.model / WEIGHTS

    @property
    def initial_weights(self) -> Path:
        """The weights that it starts from: those of another run, or of models/initial."""
        return self.project.models / self.params.init_from / WEIGHTS

    @property
    def results(self) -> Path:
        """Its folder of result files, `results/RUN`."""
        return self.project.root / "results" / self.name

    def result_file(self, file: str) -> Path:
        """A result file by its name in `tasks`, as boxes or retrieval."""
        return self.results / f"{file}.json"

    def results_of(self, stream: Stream) -> Path:
        """The first result file of a stream."""
        return self.result_file(stream.files[0])

    @property
    def checkpoints(self) -> Path:
        """The folder of its unfinished trainings."""
        return self.project.work / "checkpoints" / self.name

    @property
    def provenance_file(self) -> Path:
        """Where and when it was trained on this machine."""
        return self.project.work / "provenance" / f"{self.name}.json"

    @cached_property
    def provenance(self) -> ProvenanceRecord:
        """Commit, wall time and hardware of the training; empty on a machine that did not train this model."""
        known = cast(ProvenanceRecord, _optional_mapping(self.provenance_file))
        return known if known.get("model") and known["model"] == self.weights_digest else {}

    @cached_property
    def training(self) -> TrainingSummary | None:
        """Data and length of the training; None where the model is not at hand.

        Raises:
            UserError: training.json lacks a field, or has a wrong one.
        """
        path = self.model / TRAINING
        try:
            return TypeAdapter(TrainingSummary).validate_python(_mapping(path)) if path.is_file() else None
        except ValidationError as error:
            raise wrong_fields(path, error) from None

    @cached_property
    def weights_digest(self) -> str | None:
        """SHA-256 of the model's weights; None where they are not at hand."""
        return sha256(self.weights) if self.weights.exists() else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the model was made from, as it was recorded beside it; empty where it is not at hand."""
        path = self.model / CONFIG
        return yaml.safe_load(path.read_text()) if path.exists() else {}

    @property
    def trained(self) -> bool:
        """Whether its weights are there."""
        return self.weights.is_file()


@dataclass(frozen=True, eq=False)
class Project:
    """A project's folders.

    Attributes:
        root: the folder of params.yaml.
        given: parameters to use in place of those in params.yaml.
    """

    root: Path = Path()
    given: Params | None = None

    @cached_property
    def params(self) -> Params:
        """The active parameters.

        Raises:
            UserError: params.yaml is missing or wrong.
        """
        return self.given or load_params(self.root / PARAMS)

    def run(self, name: str) -> Run:
        """A run by its name.

        Raises:
            UserError: params.yaml has no such run.
        """
        self.params.run(name)
        return Run(self.report_folder(name), name=name, project=self)

    @property
    def runs(self) -> list[Run]:
        """All runs, in the order of params.yaml."""
        return [self.run(name) for name in self.params.runs]

    @cached_property
    def preset_params(self) -> Params | None:
        """The preset that params.yaml started from, as it is now; None where it is not at hand."""
        path = self.preset(self.params.preset)
        return load_params(path) if path.exists() else None

    def preset(self, name: str) -> Path:
        """The file of a preset."""
        return self.presets / f"{name}.yaml"

    @property
    def presets(self) -> Path:
        """The folder of presets."""
        return self.root / "pipelines"

    @property
    def sample(self) -> Path:
        """Where the sample data are drawn."""
        return self.root / "data" / "sample"

    @property
    def data(self) -> Path:
        """The active data set, in DeepFashion2's layout."""
        return self.root / self.params.data.root

    def annotations(self, split: str) -> Path:
        """The converted annotations of a split."""
        return self.root / "data" / "coco" / f"{split}.json"

    def images(self, split: str) -> Path:
        """The pictures of a split of the active data set."""
        return self.original(split) / "image"

    def original(self, split: str) -> Path:
        """The folder of a split of the active data set, in its own layout."""
        return self.root / self.params.data.root / split

    def data_report(self, split: str) -> Path:
        """What conversion counted and found wrong in a split."""
        return self.reports / "data" / f"{split}.json"

    @property
    def settings(self) -> Path:
        """What of params.yaml each run depends on, for DVC."""
        return self.root / "data" / "settings"

    @property
    def long_table(self) -> Path:
        """Every number of every run, as CSV."""
        return self.root / "data" / "benchmarks.csv"

    @property
    def models(self) -> Path:
        """Trained runs, a folder each."""
        return self.root / "models"

    @property
    def reports(self) -> Path:
        """Reports, a folder for each run."""
        return self.root / "reports"

    def report_folder(self, run: str) -> Path:
        """The folder of a run's report, whether params.yaml has the run or not."""
        return self.reports / run

    @property
    def evaluated(self) -> dict[str, Report]:
        """Reports by run, of all runs that left numbers, whether params.yaml has them or not."""
        return reports_in(self.reports)

    @property
    def benchmarks(self) -> Path:
        """The tables as Markdown."""
        return self.reports / "benchmarks.md"

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.reports / "index.html"

    @property
    def pull_request(self) -> Path:
        """The comment of a pull request."""
        return self.reports / "pull_request.md"

    @property
    def work(self) -> Path:
        """What depends on the machine, outside of DVC's outputs."""
        return self.root / ".work"

    @property
    def indexes(self) -> Path:
        """Indexes of galleries."""
        return self.work / "index"

    @property
    def home(self) -> Path:
        """The project's own folder, also from the copy of it in which `dvc exp run --queue` or `--temp` runs."""
        here = self.root.resolve()
        for folder in here.parents:
            if folder.parts[-3:] == (".dvc", "tmp", "exps"):
                return folder.parents[2]
        return here


def reports_in(folder: Path) -> dict[str, Report]:
    """Return the reports in a folder of any name and place, by run."""
    return {path.parent.name: Report(path.parent) for path in sorted(folder.glob(f"*/{METRICS}"))}


def is_trained(folder: Path) -> bool:
    """Whether a folder holds a trained run: weights and a configuration; models/initial has weights alone."""
    return (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()


def trained_in(models: Path) -> list[Path]:
    """Return the trained runs of a folder, by name; there may be none."""
    return [path.parent for path in sorted(models.glob(f"*/{CONFIG}")) if is_trained(path.parent)]


def trained_runs(models: Path) -> list[Path]:
    """Return the trained runs of a folder, by name.

    Raises:
        UserError: there is none.
    """
    if runs := trained_in(models):
        return runs
    raise UserError(f"{models}: no trained run in it; train one (`dvc repro`), or name one with --run")


def _mapping(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(value).__name__}; run the stage that writes it")
    return cast(dict[str, Any], value)


def _optional_mapping(path: Path) -> dict[str, Any]:
    return _mapping(path) if path.exists() else {}


def _csv(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
