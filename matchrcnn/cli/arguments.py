"""Types of arguments that argparse does not have."""

import argparse

Commands = argparse._SubParsersAction
"""What a command is added to."""


def resamples(text: str) -> int:
    """A number of resamples."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number}: a number of resamples is expected, 0 for none")
    return number


def count(text: str) -> int:
    """Return a positive integer."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a positive integer")
    return int(text)


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0 to 1")
    return value
