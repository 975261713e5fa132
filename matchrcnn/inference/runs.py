"""The streams that a trained run has learned, and the runs of models/ that have learned most together."""

from collections.abc import Sequence
from pathlib import Path

from matchrcnn.config import RunConfig, load_section
from matchrcnn.errors import UserError
from matchrcnn.inference.gallery.index import built_with
from matchrcnn.inference.network import weights_digest
from matchrcnn.project import CONFIG, WEIGHTS, Project, is_trained, trained_runs
from matchrcnn.tasks import EMBEDDINGS, EXTRA_STREAMS, LANDMARKS, MASKS, TASKS, Stream

MODELS = Project().models


def streams_of(folder: Path) -> frozenset[Stream]:
    """Return the streams that a trained run has learned beyond boxes.

    Where retrieval learned on a frozen run, masks and landmarks are those of the run that it started from; whatever
    that run did not learn is noise, and so it is where the run is not at hand.

    Raises:
        UserError: the folder holds no trained run.
    """
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder}: no {WEIGHTS}; give the folder of a trained run, as models/RUN")
    run = load_section(folder / CONFIG, RunConfig)
    learned = frozenset(TASKS[run.task].learns)
    if run.retrieval is None or not run.retrieval.freeze:
        return learned
    start = folder.parent / run.init_from
    return (streams_of(start) if is_trained(start) else frozenset()) | {EMBEDDINGS}


def choose_runs(models: Path = MODELS, index: Path | None = None) -> list[Path]:
    """Choose the runs of a folder that have learned most together: the first finds the garments, others add streams.

    A stream is taken from the run that was trained for it (task segmentation for masks, landmarks for landmarks), else
    from a retrieval run, which learns all of them in a shorter schedule; of several from the one that is named as its
    task is, else from the first by name.

    Args:
        models: folder of trained runs.
        index: of a gallery, whose run comes last where it is not among them.

    Raises:
        UserError: there is no trained run, or none that the index was built with.
    """
    runs = trained_runs(models)
    chosen: list[Path] = []
    for stream in (MASKS, LANDMARKS):
        able = [run for run in runs if stream in streams_of(run)]
        if able and not any(run in chosen for run in able):
            chosen.append(min(able, key=_rank))
    chosen = chosen or [min(runs, key=_rank)]
    return chosen if index is None else list(dict.fromkeys([*chosen, embedder(runs, index)]))


def embedder(runs: Sequence[Path], index: Path | None = None) -> Path:
    """Return the only retrieval run among some, or the one that an index was built with.

    Raises:
        UserError: there is none, or more than one.
    """
    able = [run for run in runs if EMBEDDINGS in streams_of(run)]
    if index is not None:
        wanted = built_with(index)
        able = [run for run in able if weights_digest(run) == wanted]
    if len(able) != 1:
        found = ", ".join(map(str, able)) or "none fits"
        raise UserError(f"--run: name the trained retrieval run to search with; found: {found}")
    return able[0]


def _rank(run: Path) -> tuple[bool, bool, str]:
    task = load_section(run / CONFIG, RunConfig).task
    return EMBEDDINGS in TASKS[task].learns, run.name != task, run.name


def sources(folders: Sequence[Path]) -> dict[Stream, Path]:
    """Return the run that gives each stream: the first that has learned it."""
    learned = {folder: streams_of(folder) for folder in folders}
    able = {stream: [folder for folder in folders if stream in learned[folder]] for stream in EXTRA_STREAMS}
    return {stream: some[0] for stream, some in able.items() if some}
