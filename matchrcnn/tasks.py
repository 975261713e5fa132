"""The tasks of the benchmarks and the streams of the network: the only module that knows what each of them has.

A stream is one thing that the network says about a garment: its box, mask, landmarks or embedding. A score is one set
of numbers in metrics.json; landmarks have two (visible ones, and occluded ones too), retrieval one for each protocol. A
task is what a run is trained for: the streams that it learns, and the one that it is judged by.

Trainings depend on this file. What only the report says of a task is in `reporting.titles`, so that an edit of a title
trains nothing again.
"""

from dataclasses import dataclass
from typing import Any, Literal

TaskName = Literal["detection", "segmentation", "landmarks", "retrieval"]
VariantName = Literal["class", "pose", "mask", "pose+class", "mask+class"]


@dataclass(frozen=True)
class Score:
    """One set of numbers in metrics.json, from one result file.

    Attributes:
        key: its path there, as `landmarks_visible` or `retrieval/detected_box`.
        file: name of the result file without `.json`.
        limit: detections that count per image and category; None where all do.
        least_visibility: landmarks that count: 2 visible ones, 1 occluded ones too, 0 where none are needed.
    """

    key: str
    file: str
    limit: int | None = None
    least_visibility: int = 0

    @property
    def protocol(self) -> str:
        """Of retrieval: where the boxes come from, DETECTED or GIVEN; of other scores the key itself."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class Stream:
    """One thing that the network says about a garment.

    Attributes:
        name: in file names, options and messages.
        kind: key of the stream in protocol.json and diagnosis.json.
        scores: what it is scored as.
        payload: field of a result entry and of an annotation that holds it; empty for embeddings.
        head: detectron2's switch of its head below MODEL; empty where the head is always on.
        overlap: how a detection is compared with an item: IoU or OKS.
        onnx: name of its output in an ONNX file.
    """

    name: str
    kind: str
    scores: tuple[Score, ...]
    payload: Literal["bbox", "segmentation", "keypoints", ""] = ""
    head: Literal["MASK_ON", "KEYPOINT_ON", ""] = ""
    overlap: Literal["IoU", "OKS"] = "IoU"
    onnx: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """Where its numbers are in metrics.json."""
        return tuple(score.key for score in self.scores)

    @property
    def files(self) -> tuple[str, ...]:
        """Its result files, without `.json`."""
        return tuple(dict.fromkeys(score.file for score in self.scores))


DETECTED, GIVEN = "detected_box", "ground_truth_box"
PROTOCOLS = (DETECTED, GIVEN)
"""Queries and gallery of retrieval are detections, or the ground-truth boxes."""

BOXES = Stream("boxes", "box", (Score("box", "boxes", 100),), "bbox", onnx="boxes")
MASKS = Stream("masks", "mask", (Score("mask", "masks", 100),), "segmentation", "MASK_ON", onnx="masks")
LANDMARKS = Stream(
    "landmarks",
    "landmarks",
    (
        Score("landmarks_visible", "landmarks", 20, 2),
        Score("landmarks_visible_and_occluded", "landmarks", 20, 1),
    ),
    "keypoints",
    "KEYPOINT_ON",
    "OKS",
    "landmark_maps",
)
EMBEDDINGS = Stream(
    "embeddings",
    "retrieval",
    (
        Score(f"retrieval/{DETECTED}", "retrieval"),
        Score(f"retrieval/{GIVEN}", f"retrieval_{GIVEN}"),
    ),
    onnx="embeddings",
)

STREAMS: dict[str, Stream] = {stream.name: stream for stream in (BOXES, MASKS, LANDMARKS, EMBEDDINGS)}
"""Streams by name, in the order of tables and files."""

SCORES: dict[str, Score] = {score.key: score for stream in STREAMS.values() for score in stream.scores}
"""Scores by their key in metrics.json."""

STREAM_OF: dict[str, Stream] = {key: stream for stream in STREAMS.values() for key in stream.keys}
"""The stream of each score, by the score's key in metrics.json."""

DETECTION_STREAMS = (BOXES, MASKS, LANDMARKS)
"""Streams whose results are detections, scored by average precision."""

EXTRA_STREAMS = (MASKS, LANDMARKS, EMBEDDINGS)
"""What a run may know beyond boxes and categories."""

PRECISION = ("AP", "AP50", "AP75")
TOP_K = ("top1", "top5", "top10", "top15", "top20")


@dataclass(frozen=True)
class Task:
    """What a run is trained for.

    Attributes:
        name: in params.yaml.
        learns: streams beyond boxes that a run of it learns.
        judged_by: the stream of its published tables; the others are scored too.
        measures: numbers of a cell in these tables.
        headline: the first number of a run: the measure that runs of the task are ranked by, of the first score.
        beside_headline: measures shown with it.
        from_pairs: whether it learns from pairs of a user and a shop image.
    """

    name: TaskName
    learns: tuple[Stream, ...]
    judged_by: Stream
    measures: tuple[str, ...] = PRECISION
    headline: str = "AP"
    beside_headline: tuple[str, ...] = ("AP50", "AP75")
    from_pairs: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Where the numbers of its published tables are in metrics.json."""
        return self.judged_by.keys

    @property
    def headline_path(self) -> str:
        """Path of a run's first number in metrics.json, as `box/overall/AP`."""
        return f"{self.keys[0]}/overall/{self.headline}"

    @property
    def by_category(self) -> bool:
        """Whether it is scored category by category, by average precision."""
        return self.judged_by in DETECTION_STREAMS

    @property
    def predicts(self) -> tuple[Stream, ...]:
        """The streams that a run of it writes results of; each of their files must be there to be scored."""
        return tuple(dict.fromkeys((BOXES, self.judged_by)))


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("detection", learns=(), judged_by=BOXES),
        Task("segmentation", learns=(MASKS,), judged_by=MASKS),
        Task("landmarks", learns=(LANDMARKS,), judged_by=LANDMARKS),
        Task(
            "retrieval",
            # every variant trains all streams (DeepFashion2 repository, issue 14)
            learns=(MASKS, LANDMARKS, EMBEDDINGS),
            judged_by=EMBEDDINGS,
            measures=TOP_K,
            headline="top20",
            beside_headline=("top1",),
            from_pairs=True,
        ),
    )
}
"""Tasks by name, in the order of the report."""


@dataclass(frozen=True)
class Variant:
    """What the match network reads of a garment.

    Attributes:
        name: as published.
        reads: the stream whose RoI maps it reads.
        convolved: whether it reads these after the convolutions of the stream's head, or as RoIAlign makes them; None
            where `retrieval.merged_mask_input` decides.
        joined: whether the class stream's maps are joined to these.
    """

    name: VariantName
    reads: Stream
    convolved: bool | None = False
    joined: bool = False


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("class", BOXES),
        Variant("pose", LANDMARKS, convolved=True),
        Variant("mask", MASKS),
        Variant("pose+class", LANDMARKS, convolved=True, joined=True),
        Variant("mask+class", MASKS, convolved=None, joined=True),
    )
}
"""Variants of retrieval by name, in the order of the published table."""


def decisive(task: TaskName, variant: VariantName | None = None) -> dict[str, Any]:
    """Return what of these tables decides a run's weights and result files, as JSON values.

    Titles, texts and what only reports read are left out: a change of them trains and predicts nothing again.

    Args:
        task: of the run.
        variant: of retrieval; None for other tasks.
    """
    own = TASKS[task]
    streams = {
        stream.name: {"learnt": stream in own.learns, "payload": stream.payload, "head": stream.head}
        | {"files": stream.files, "kind": stream.kind}
        for stream in dict.fromkeys((*own.predicts, *own.learns))
    }
    found = {"streams": streams, "from_pairs": own.from_pairs}
    if variant is None:
        return found
    read = VARIANTS[variant]
    return found | {"reads": read.reads.name, "convolved": read.convolved, "joined": read.joined}
