"""Errors that a user can cause and mend."""

import errno

TRAINING = "a training goes on from its last checkpoint"


class UserError(Exception):
    """Says which file, field and value is wrong and what to do; shown as one line, without a traceback.

    Command-line tools and stages turn it into exit code 2.
    """


class SharedError(UserError):
    """An error that all processes of a training meet at once; the first of them says it."""


def as_user_error(error: BaseException) -> UserError | None:
    """What a user can do about an error of the machine, too little memory or disk; None for any other error."""
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
