"""The runs that a call uses, the streams that each gives, and the gallery to search for similar garments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matchrcnn.config import RunConfig, load_section
from matchrcnn.inference.gallery.index import index_digest, index_images
from matchrcnn.inference.network import weights_digest
from matchrcnn.inference.runs import choose_runs, embedder, sources
from matchrcnn.project import CONFIG
from matchrcnn.tasks import BOXES, EMBEDDINGS, LANDMARKS, MASKS, Stream

SHOWN = (MASKS, LANDMARKS)
"""Streams that show a garment; embeddings are computed where there is a gallery to search."""


@dataclass(frozen=True)
class Plan:
    """All choices of a call, made before a model is loaded.

    Attributes:
        runs: folders, the one that finds the garments first; each other gives a stream.
        streams: stream -> the run that gives it.
        index: of the gallery; None: no similar garments.
    """

    runs: tuple[Path, ...]
    streams: dict[Stream, Path]
    index: Path | None

    @classmethod
    def make(cls, runs: Sequence[Path], index: Path | None = None, wanted: Iterable[Stream] = SHOWN) -> "Plan":
        """Choose what the call did not name.

        Args:
            runs: folders of trained runs; none: those of models/ that have learned most together.
            index: of a gallery; its run must be among them.
            wanted: of masks and landmarks.

        Raises:
            UserError: a run or an index is missing, or they do not fit.
        """
        folders = list(runs) or choose_runs(index=index)
        given = sources(folders)
        streams = {stream: given[stream] for stream in wanted if stream in given}
        if index is not None:
            streams[EMBEDDINGS] = embedder(folders, index)
        used = [run for run in folders if run == folders[0] or run in streams.values()]
        return cls(tuple(used), streams, index)

    @property
    def minibatch(self) -> int:
        """Pictures per minibatch, as the first run has it."""
        return load_section(self.runs[0] / CONFIG, RunConfig).inference.minibatch

    @property
    def gallery_images(self) -> Path | None:
        """The folder of the gallery's pictures."""
        return None if self.index is None else index_images(self.index)

    def settings(self) -> dict[str, object]:
        """Return everything the predictions depend on, as JSON values; part of the cache key."""
        runs = [{"run": run.name, "model": weights_digest(run), "gives": self._gives(run)} for run in self.runs]
        return {"runs": runs} if self.index is None else {"runs": runs, "index": index_digest(self.index)}

    def described(self) -> str:
        """Return the runs in words: boxes and masks by models/segmentation, landmarks by models/landmarks."""
        return ", ".join(f"{' and '.join(self._gives(run))} by {run}" for run in self.runs)

    def _gives(self, run: Path) -> list[str]:
        own = [stream.name for stream, source in self.streams.items() if source == run]
        return [BOXES.name, *sorted(own)] if run == self.runs[0] else sorted(own)
