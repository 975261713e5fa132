"""Write reports/benchmarks.md and reports/index.html from what the runs left: `python -m stages.report`."""

from pathlib import Path

from matchrcnn.config import load_params
from matchrcnn.data.sample.dataset import FIRST_LINE, README
from matchrcnn.engine.provenance import git_state, hardware
from matchrcnn.reporting.page import write_report
from stages import params, run
from stages.sample import SAMPLE

PRESETS = Path("pipelines")


def main() -> None:
    """Write both and say where they lie."""
    active = params()
    preset = PRESETS / f"{active.preset}.yaml"
    commit, dirty = git_state()
    made = {"made_at_commit": f"{commit[:12]}{' with local changes' if dirty else ''}", "on": hardware()}
    original = load_params(preset) if preset.exists() else None
    for path in write_report(active, original, is_sample(active.data.root), made):
        print(path)


def is_sample(root: Path) -> bool:
    """Whether the data set at `root` was drawn by this project, here or by a user with another seed."""
    readme = root / README
    return root == SAMPLE or (readme.is_file() and readme.read_text(errors="replace").startswith(FIRST_LINE))


if __name__ == "__main__":
    run(main)
