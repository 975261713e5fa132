"""Write tables, report page, model cards and the long table from what the runs left: `python -m stages.report`.

MLflow's runs are brought up to date with them.
"""

from pathlib import Path

from matchrcnn.config import load_params
from matchrcnn.data.marker import is_sample
from matchrcnn.project import Project
from matchrcnn.reporting.pages.card import write_cards
from matchrcnn.reporting.pages.index import write_report
from matchrcnn.reporting.runs import find_runs
from matchrcnn.reporting.tables.long import write_long_table
from matchrcnn.tracking.track import PATIENCE_S, track
from matchrcnn.training.provenance import git_state, hardware
from stages import LONG_TABLE, PRESETS, params, run


def main() -> None:
    """Write all of them and say where they lie."""
    active = params()
    preset = PRESETS / f"{active.preset}.yaml"
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    original = load_params(preset) if preset.exists() else None
    pages = write_report(active, original, is_sample(active.data.root), made)
    runs = find_runs(Path(), active.runs)
    cards = write_cards(runs)
    write_long_table(runs, LONG_TABLE)
    track(Project(given=active), PATIENCE_S)
    for path in (*pages, *cards, LONG_TABLE):
        print(path)


if __name__ == "__main__":
    run(main)
