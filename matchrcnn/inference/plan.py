"""Which runs a call looks with, what each gives, and in which gallery similar garments are looked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matchrcnn.config import CONFIG, RunConfig, load_section
from matchrcnn.inference.gallery.index import index_digest, index_images, weights_digest
from matchrcnn.inference.runs import STREAMS, choose_runs, embedder, sources


@dataclass(frozen=True)
class Plan:
    """What is known before a model is loaded.

    Attributes:
        runs: folders, the one that finds the garments first; each other gives a stream.
        streams: stream -> the run that gives it.
        index: of the gallery; None: no similar garments.
    """

    runs: tuple[Path, ...]
    streams: dict[str, Path]
    index: Path | None

    @classmethod
    def make(cls, runs: Sequence[Path], index: Path | None = None, wanted: Iterable[str] = STREAMS) -> "Plan":
        """Choose what a call left open.

        Args:
            runs: folders of trained runs; none: those of models/ that see most together.
            index: of a gallery; its run must be among them.
            wanted: streams beyond boxes.

        Raises:
            UserError: a run or an index is missing, or they do not fit.
        """
        folders = list(runs) or choose_runs(index=index)
        wanted = set(wanted) - {"embeddings"}
        streams = {stream: run for stream, run in sources(folders).items() if stream in wanted}
        if index is not None:
            streams["embeddings"] = embedder(folders, index)
        used = [run for run in folders if run == folders[0] or run in streams.values()]
        return cls(tuple(used), streams, index)

    @property
    def minibatch(self) -> int:
        """Pictures at a time, as the first run has it."""
        return load_section(self.runs[0] / CONFIG, RunConfig).inference.minibatch

    @property
    def gallery_images(self) -> Path | None:
        """The folder of the gallery's pictures."""
        return None if self.index is None else index_images(self.index)

    def settings(self) -> dict[str, Any]:
        """All that what is found depends on, as a JSON value."""
        runs = [{"run": run.name, "model": weights_digest(run), "gives": self._gives(run)} for run in self.runs]
        return {"runs": runs} if self.index is None else {"runs": runs, "index": index_digest(self.index)}

    def told(self) -> str:
        """The runs in words: boxes and masks by models/segmentation, landmarks by models/landmarks."""
        return ", ".join(f"{' and '.join(self._gives(run))} by {run}" for run in self.runs)

    def _gives(self, run: Path) -> list[str]:
        own = [stream for stream, source in self.streams.items() if source == run]
        return ["boxes", *sorted(own)] if run == self.runs[0] else sorted(own)
