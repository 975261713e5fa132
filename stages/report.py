"""Write reports/benchmarks.md and reports/index.html from what the runs left: `python -m stages.report`."""

from pathlib import Path

from matchrcnn.config import load_params
from matchrcnn.engine.provenance import git_state, hardware
from matchrcnn.reporting.page import write_report
from stages import params, run

PRESETS = Path("pipelines")
SAMPLE_ROOT = Path("data/sample")


def main() -> None:
    """Write the report; say where the page lies."""
    active = params()
    preset = PRESETS / f"{active.preset}.yaml"
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    sample = active.data.root == SAMPLE_ROOT
    written = write_report(active, load_params(preset) if preset.exists() else None, sample, made)
    print("\n".join(map(str, written)))


if __name__ == "__main__":
    run(main)
