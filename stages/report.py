"""Write the benchmark tables, the report page and the long table from what the runs left: `python -m stages.report`.

MLflow's runs are brought up to date with them.
"""

from pathlib import Path

from matchrcnn.config import load_params
from matchrcnn.data.marker import is_sample
from matchrcnn.engine.provenance import git_state, hardware
from matchrcnn.reporting.long_table import write_long_table
from matchrcnn.reporting.page import write_report
from matchrcnn.reporting.runs import find_runs
from stages import LONG_TABLE, PRESETS, params, run
from stages.track import PATIENCE_S, track


def main() -> None:
    """Write all three and say where they lie."""
    active = params()
    preset = PRESETS / f"{active.preset}.yaml"
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    original = load_params(preset) if preset.exists() else None
    pages = write_report(active, original, is_sample(active.data.root), made)
    write_long_table(find_runs(Path(), active.runs), LONG_TABLE)
    track(active, PATIENCE_S)
    for path in (*pages, LONG_TABLE):
        print(path)


if __name__ == "__main__":
    run(main)
