"""Write reports/benchmarks.md and reports/index.html from what the runs left: `python -m stages.report`."""

from matchrcnn.config import load_params
from matchrcnn.data.marker import is_sample
from matchrcnn.engine.provenance import git_state, hardware
from matchrcnn.reporting.page import write_report
from stages import PRESETS, params, run


def main() -> None:
    """Write both and say where they lie."""
    active = params()
    preset = PRESETS / f"{active.preset}.yaml"
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    original = load_params(preset) if preset.exists() else None
    for path in write_report(active, original, is_sample(active.data.root), made):
        print(path)


if __name__ == "__main__":
    run(main)
