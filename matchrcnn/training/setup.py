"""What a training starts with: configuration, data, initial weights and schedule, loaded once."""

from dataclasses import dataclass
from pathlib import Path

from matchrcnn.config import RunConfig
from matchrcnn.data.split import Entries, Split, load_split
from matchrcnn.errors import UserError
from matchrcnn.training.schedule import Schedule, build_schedule


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """All that a training is made from.

    Attributes:
        run: the configuration.
        training: images with an item, to learn from.
        validation: images with an item, to measure the validation loss on; never learned from.
        schedule: length and learning rates.
        initial: weights that the training starts from; None: from scratch.
    """

    run: RunConfig
    training: Entries
    validation: Entries
    schedule: Schedule
    initial: Path | None = None


def set_up(run: RunConfig, training: Split, validation: Split, initial: Path | None = None) -> TrainingSetup:
    """Load the data of a training and build its schedule.

    Raises:
        UserError: the initial weights or a converted split are missing or damaged.
    """
    if initial is not None and not initial.is_file():
        raise UserError(f"{initial}: no such file; train that run first, {run.name} starts from its weights")
    entries = load_split(training).annotated()
    schedule = build_schedule(run.schedule, run.training, len(entries))
    return TrainingSetup(run, entries, load_split(validation).annotated(), schedule, initial)
