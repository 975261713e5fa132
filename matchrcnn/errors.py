"""Errors that a user can cause and fix, and how a command ends with them."""

import errno
import sys

TRAINING = "a training resumes from its last checkpoint"

FAILED, INTERRUPTED = 2, 130
"""Exit codes: an error that a user can fix, in one line on stderr; Ctrl-C."""


class UserError(Exception):
    """Says which file, field and value is wrong and what to do; shown as one line, without a traceback.

    Command-line tools and stages turn it into exit code 2.
    """


class SharedError(UserError):
    """Raised on every rank of a distributed training; only rank 0 prints it."""


def ending(who: str, error: BaseException) -> int:
    """Print in one line on stderr how a command ended, and return its exit code.

    Args:
        who: the command, before a colon; empty for the message alone.
        error: what ended it.

    Raises:
        BaseException: the error itself, where a user can do nothing about it.
    """
    interrupted = isinstance(error, KeyboardInterrupt)
    known = "interrupted" if interrupted else as_user_error(error)
    if known is None:
        raise error
    print(f"{who}: {known}" if who else known, file=sys.stderr, flush=True)
    return INTERRUPTED if interrupted else FAILED


def as_user_error(error: BaseException) -> UserError | None:
    """Return what a user can do about an error of the machine, as too little memory; None for any other error."""
    if isinstance(error, UserError):
        return error
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f"{error.filename}: " if error.filename else ""
        return UserError(f"{where}no space is left on the disk ({text}); free some and run it again: {TRAINING}")
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported here
        return UserError(
            f"the GPU has too little memory ({text}); raise training.accumulate, lower model.shorter_edge or "
            f"model.rois_per_image, or end what else uses the GPU, and run it again"
        )
    if isinstance(error, RuntimeError) and "DataLoader worker" in text:
        return UserError(
            f"a loader worker has died ({text}); most often the machine's memory or /dev/shm was full: lower "
            f"hardware.loader_workers or training.minibatch and run it again: {TRAINING}"
        )
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY):
        return UserError(
            f"the machine has too little memory ({text or 'MemoryError'}); lower training.minibatch or "
            f"hardware.loader_workers, or end what else runs, and run it again: {TRAINING}"
        )
    return None


NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "not enough memory: you tried")
"""How torch's CPU allocator and the operating system say it."""
