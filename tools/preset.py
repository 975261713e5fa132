"""Put a preset into params.yaml: `python -m tools.preset NAME`; without a name, list them."""

import argparse
from pathlib import Path

from matchrcnn.config import load_params
from matchrcnn.errors import UserError
from matchrcnn.files import write_text
from matchrcnn.project import PARAMS, Project
from stages import run


def main() -> None:
    """Check the preset, then write it over params.yaml, comments included."""
    project = Project()
    names = sorted(path.stem for path in project.presets.glob("*.yaml"))
    parser = argparse.ArgumentParser(prog="python -m tools.preset", description=__doc__)
    parser.add_argument("name", nargs="?", help=f"one of: {', '.join(names)}")
    name = parser.parse_args().name
    if name is None:
        print("\n".join(f"{entry:12} {_purpose(project.preset(entry))}" for entry in names))
        return
    if name not in names:
        raise UserError(f"no preset is named {name!r}; presets: {', '.join(names)}")
    path = project.preset(name)
    load_params(path)
    write_text(project.root / PARAMS, path.read_text())
    print(f"params.yaml is now {path}; `dvc repro` runs what it changes")


def _purpose(preset: Path) -> str:
    return preset.read_text().splitlines()[0].removeprefix("# ")


if __name__ == "__main__":
    run(main)
