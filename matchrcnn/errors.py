"""Errors that a user can cause and mend."""


class UserError(Exception):
    """Says which file, field and value is wrong and what to do; shown as one line, without a traceback.

    Command-line tools and stages turn it into exit code 2.
    """
