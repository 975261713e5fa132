"""What a trained run has learned to see, and which runs of models/ see most together."""

from collections.abc import Sequence
from pathlib import Path

from matchrcnn.config import CONFIG, WEIGHTS, RunConfig, load_section
from matchrcnn.errors import UserError

MODELS = Path("models")
STREAMS = ("masks", "landmarks", "embeddings")
"""What a run may know beyond boxes and categories."""

_OF_TASK = {
    "detection": frozenset[str](),
    "segmentation": frozenset({"masks"}),
    "landmarks": frozenset({"landmarks"}),
    "retrieval": frozenset(STREAMS),
}


def streams_of(folder: Path) -> frozenset[str]:
    """What a trained run has learned beyond boxes.

    Where retrieval learned on a frozen run, masks and landmarks are those of the run that it started from; whatever
    that run did not learn is noise, and so it is where the run is not at hand.

    Raises:
        UserError: the folder holds no trained run.
    """
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder}: no {WEIGHTS}; give the folder of a trained run, as models/RUN")
    run = load_section(folder / CONFIG, RunConfig)
    learned = _OF_TASK[run.task]
    if run.retrieval is None or not run.retrieval.freeze:
        return learned
    start = folder.parent / run.init_from
    return (streams_of(start) if _is_run(start) else frozenset()) | {"embeddings"}


def choose_runs(models: Path = MODELS, embedder: Path | None = None) -> list[Path]:
    """The runs of a folder that see most together: the first finds the garments, each other adds a stream.

    A stream is taken from the run that was trained for it (task segmentation for masks, landmarks for landmarks), else
    from a retrieval run, which learns all of them in a shorter schedule; of several from the one that is named as its
    task is, else from the first by name.

    Args:
        models: folder of trained runs.
        embedder: a retrieval run to have among them.

    Raises:
        UserError: there is no trained run.
    """
    runs = [path.parent for path in sorted(models.glob(f"*/{CONFIG}")) if _is_run(path.parent)]
    if not runs:
        raise UserError(f"{models}: no trained run in it; train one (`dvc repro`), or name one with --run")
    chosen = []
    for stream in ("masks", "landmarks"):
        able = [run for run in runs if stream in streams_of(run)]
        if able and not any(run in chosen for run in able):
            chosen.append(min(able, key=_rank))
    chosen = list(dict.fromkeys(chosen or [min(runs, key=_rank)]))
    return chosen if embedder is None or embedder in chosen else [*chosen, embedder]


def _rank(run: Path) -> tuple[bool, bool, str]:
    task = load_section(run / CONFIG, RunConfig).task
    return task == "retrieval", run.name != task, run.name


def _is_run(folder: Path) -> bool:
    return (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()


def sources(folders: Sequence[Path]) -> dict[str, Path]:
    """Stream -> the run that gives it: the first that has learned it."""
    found: dict[str, Path] = {}
    for folder in folders:
        for stream in streams_of(folder):
            found.setdefault(stream, folder)
    return found
