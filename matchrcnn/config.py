"""Schema of params.yaml: one class per section; unknown keys are errors; a run is shared sections with overrides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from matchrcnn.errors import UserError
from matchrcnn.tasks import TASKS, TaskName, VariantName

ScheduleName = Literal["1x", "2x", "s1x"]
SubsetRule = Literal["subset_images", "all_images", "whole_images"]
RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
S = TypeVar("S", bound="Section")

INITIAL = "initial"
"""Value of `init_from` for a run that starts from ImageNet weights or from scratch."""


class Section(BaseModel):
    """A section of params.yaml: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataParams(Section):
    """The data set.

    Attributes:
        root: its folder, in DeepFashion2's layout.
        name: in words, for reports, model cards and MLflow; None: the folder's name.
    """

    root: Path
    name: Annotated[str, Field(pattern=r"^[^\s|`][^\r\n|`]*$")] | None = None


class SampleParams(Section):
    """The sample data set that the project draws."""

    seed: int = 1
    train_images: Count = 640
    validation_images: Count = 240


class WeightsParams(Section):
    """A weights file; where a digest is given, the file must have it. A plain path stands for a file without one."""

    file: Path
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: object) -> object:
        return {"file": value} if isinstance(value, str | Path) else value


class ModelParams(Section):
    """The network, and the size of the images that it sees."""

    backbone: Literal["resnet50_fpn", "small_fpn"]
    stem_channels: Count
    initial_weights: WeightsParams | None = None
    norm: Literal["FrozenBN", "BN", "GN"]
    freeze_at: Annotated[int, Field(ge=0, le=5)]
    stride_in_1x1: bool
    pixel_format: Literal["BGR", "RGB"]
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]
    shorter_edge: Count
    longer_edge: Count
    fpn_channels: Count
    finest_level: Annotated[int, Field(ge=2, le=4)]
    anchor_sizes: tuple[Positive, ...]
    anchor_ratios: tuple[Positive, ...]
    proposals_before_nms: tuple[Count, Count]
    proposals_after_nms: tuple[Count, Count]
    anchors_per_image: Count
    rois_per_image: Count
    positive_fraction: Annotated[float, Field(gt=0, le=1)]
    box_fc: Count
    class_agnostic: bool
    mask_convs: Count
    mask_channels: Count
    landmark_convs: Count
    landmark_channels: Count

    @model_validator(mode="after")
    def _edges_in_order(self) -> Self:
        if self.longer_edge < self.shorter_edge:
            raise ValueError(f"longer_edge {self.longer_edge} is smaller than shorter_edge {self.shorter_edge}")
        return self

    @model_validator(mode="after")
    def _an_anchor_size_a_level(self) -> Self:
        levels = 7 - self.finest_level
        if len(self.anchor_sizes) != levels:
            raise ValueError(f"anchor_sizes: {len(self.anchor_sizes)} for {levels} levels, p{self.finest_level} to p6")
        return self


class TrainingParams(Section):
    """How a run learns; schedules are stated in epochs."""

    epochs_1x: Positive
    drops_1x: tuple[Positive, ...]
    decay: Literal["step", "cosine"]
    optimizer: Literal["sgd", "adamw"]
    minibatch: Count
    base_lr: Positive
    base_minibatch: Count
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_iterations: Annotated[int, Field(ge=0)]
    warmup_factor: Annotated[float, Field(gt=0, le=1)]
    clip_gradient_norm: Positive | None = None
    diverged_above: Positive | None = 100.0
    skip_unreadable: bool = False
    accumulate: Count = 1
    mixed_precision: bool = False
    flip: bool = True
    normalize_landmark_loss_by_visible: bool = True
    log_every: Count
    validate_every_epochs: Positive
    validation_images: Count
    checkpoint_every: Count

    @model_validator(mode="after")
    def _equal_micro_batches(self) -> Self:
        if self.minibatch % self.accumulate:
            raise ValueError(f"minibatch {self.minibatch} cannot be cut into accumulate {self.accumulate} equal parts")
        return self

    @property
    def lr(self) -> float:
        """Learning rate at this minibatch, scaled linearly from the rate at `base_minibatch` (Goyal et al., 2017)."""
        return self.base_lr * self.minibatch / self.base_minibatch


class InferenceParams(Section):
    """What counts as a detection."""

    score_threshold: Annotated[float, Field(ge=0, lt=1)]
    nms_threshold: Annotated[float, Field(gt=0, le=1)]
    detections_per_image: Count
    minibatch: Count = 8


class LossWeights(Section):
    """The lambdas of Match R-CNN's loss; never published, hence 1 each. RPN's losses weigh 1."""

    cls: Annotated[float, Field(ge=0)] = 1.0
    box: Annotated[float, Field(ge=0)] = 1.0
    landmarks: Annotated[float, Field(ge=0)] = 1.0
    mask: Annotated[float, Field(ge=0)] = 1.0
    pair: Annotated[float, Field(ge=0)] = 1.0


class RetrievalParams(Section):
    """The match network, and what it learns from."""

    variant: VariantName = "class"
    merged_mask_input: Literal["convs", "roialign"] = "convs"
    widths: tuple[Count, ...] = (256, 256, 256, 1024)
    embedding: Count = 256
    rois_per_image: Count = 8
    iou_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.7
    loss_weights: LossWeights = LossWeights()
    freeze: bool = False


class RunParams(Section):
    """A run: its task, its schedule, what it starts from (`initial`, or a run), what differs from shared sections."""

    task: TaskName
    schedule: ScheduleName
    init_from: RunName
    model: dict[str, Any] = {}
    training: dict[str, Any] = {}
    inference: dict[str, Any] = {}
    retrieval: dict[str, Any] = {}


class RunConfig(Section):
    """All that one run is made from: what models/RUN/config.yaml holds."""

    name: RunName
    task: TaskName
    schedule: ScheduleName
    init_from: RunName
    seed: int
    model: ModelParams
    training: TrainingParams
    inference: InferenceParams
    retrieval: RetrievalParams | None = None

    @model_validator(mode="after")
    def _something_to_freeze(self) -> Self:
        if self.retrieval and self.retrieval.freeze and self.init_from == INITIAL:
            raise ValueError("retrieval.freeze: true needs init_from: a trained run whose features are kept")
        return self


class BootstrapParams(Section):
    """Confidence intervals by resampling the validation images."""

    resamples: Annotated[int, Field(ge=0)] = 1000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    seed: int = 0


class EvaluationParams(Section):
    """How results are scored."""

    subset_rule: SubsetRule = "subset_images"
    bootstrap: BootstrapParams = BootstrapParams()


class ReportParams(Section):
    """What the report shows."""

    gallery_images: Count = 24


class HardwareParams(Section):
    """What a run is computed on.

    `threads` decides how sums are split and so rounded: another number of them gives other weights. No other field
    changes results on the same kind of device, beyond the rounding of sums over processes.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: Count = 1
    machines: Count = 1
    address: Annotated[str, Field(pattern=r"^[^\s/:]+:\d{1,5}$")] | None = None
    loader_workers: Annotated[int, Field(ge=0)] = 1
    threads: Count = 1

    @model_validator(mode="after")
    def _machines_can_meet(self) -> Self:
        if self.machines > 1 and self.address is None:
            raise ValueError(f"machines: {self.machines} need address: host:port of the first, where all meet")
        return self


class Settings(NamedTuple):
    """What of params.yaml the weights of a run depend on, and what its predictions do, as JSON values."""

    training: dict[str, Any]
    inference: dict[str, Any]


class Params(Section):
    """The whole of params.yaml."""

    preset: str
    seed: int
    data: DataParams
    sample: SampleParams = SampleParams()
    model: ModelParams
    training: TrainingParams
    inference: InferenceParams
    retrieval: RetrievalParams = RetrievalParams()
    runs: dict[RunName, RunParams]
    evaluation: EvaluationParams = EvaluationParams()
    report: ReportParams = ReportParams()
    check: dict[RunName, dict[str, float]] = {}
    hardware: HardwareParams = HardwareParams()

    @field_validator("runs")
    @classmethod
    def _some_run(cls, runs: dict[str, RunParams]) -> dict[str, RunParams]:
        if not runs:
            raise ValueError("name at least one run")
        return runs

    @model_validator(mode="after")
    def _runs_are_whole(self) -> Self:
        for name in self.runs:
            self.run(name)
        for name, own in self.runs.items():
            if own.init_from != INITIAL and (own.init_from == name or own.init_from not in self.runs):
                raise ValueError(f"runs.{name}.init_from: {own.init_from!r} is neither {INITIAL!r} nor another run")
        if unknown := set(self.check) - set(self.runs):
            raise ValueError(f"check names runs that do not exist: {', '.join(sorted(unknown))}")
        return self

    def run(self, name: str) -> RunConfig:
        """The configuration of one run: shared sections, overridden by its own.

        Raises:
            UserError: there is no run of that name.
        """
        if name not in self.runs:
            raise UserError(f"no run is named {name!r}; runs: {', '.join(self.runs)}")
        own = self.runs[name]
        return RunConfig(
            name=name,
            task=own.task,
            schedule=own.schedule,
            init_from=own.init_from,
            seed=self.seed,
            model=_overridden(self.model, own.model),
            training=_overridden(self.training, own.training),
            inference=_overridden(self.inference, own.inference),
            retrieval=_overridden(self.retrieval, own.retrieval) if TASKS[own.task].from_pairs else None,
        )

    def settings(self, name: str) -> Settings:
        """Return what decides a run's weights, and what its predictions, as params.yaml states it.

        Values that it leaves to their defaults are absent, so that a default that is added changes no settings.
        """
        own, threads = self.runs[name], {"threads": self.hardware.threads}
        stated = {key: _stated(getattr(self, key)) | getattr(own, key) for key in ("model", "training")}
        if TASKS[own.task].from_pairs:
            stated["retrieval"] = _stated(self.retrieval) | own.retrieval
        start = {"task": own.task, "schedule": own.schedule, "init_from": own.init_from, "seed": self.seed}
        return Settings({**start, **stated, **threads}, {**_stated(self.inference), **own.inference, **threads})


def _stated(section: Section) -> dict[str, Any]:
    return section.model_dump(mode="json", exclude_unset=True)


def _overridden(shared: S, own: Mapping[str, Any]) -> S:
    return type(shared).model_validate(shared.model_dump() | dict(own))


def load_params(path: Path) -> Params:
    """Read and validate params.yaml.

    Raises:
        UserError: the file is missing, not YAML, or a field is unknown, missing or of a wrong value; all are named.
    """
    return load_section(path, Params)


def load_section(path: Path, section: type[S]) -> S:
    """Read a YAML file as one section, with errors that name file, field and value."""
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise wrong_fields(path, error) from None


def wrong_fields(path: Path, error: ValidationError) -> UserError:
    """Return the error that names a file's wrong fields, a line each."""
    return UserError("\n".join(_explain(path, problem) for problem in error.errors()))


def _explain(path: Path, problem: Mapping[str, Any]) -> str:
    field = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{path}: {field}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{path}: {field}: missing"
    return f"{path}: {field}: {problem['msg']} (found {problem['input']!r:.80})"


def dump(section: Section) -> str:
    """A section as YAML, in the order of its fields."""
    return yaml.safe_dump(section.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=120)
