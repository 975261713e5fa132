"""Everything that the report stage writes."""

from collections.abc import Mapping
from pathlib import Path

from matchrcnn.project import Project
from matchrcnn.reporting.pages.card import write_cards
from matchrcnn.reporting.pages.index import write_report
from matchrcnn.reporting.tables.long import write_long_table


def write_all(project: Project, made: Mapping[str, str]) -> list[Path]:
    """Write the tables, the page, the models' cards and the long table from what the runs left.

    Args:
        project: whose runs were evaluated.
        made: how the page was made, for its footer: commit and hardware, for example.

    Returns:
        The paths that were written.

    Raises:
        UserError: a run has no metrics yet, or a file is not what its stage writes.
    """
    pages, cards = write_report(project, made), write_cards(project.runs)
    write_long_table(project.runs, project.long_table)
    return [*pages, *cards, project.long_table]
