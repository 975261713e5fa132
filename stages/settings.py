"""Write what of params.yaml each run depends on: `python -m stages.settings`.

DVC's parameters are whole keys of params.yaml: a training that named its run's would start again where the run's
`inference` changes. So trainings and predictions depend on these files instead, which change when the values do.
"""

from matchrcnn.files import write_json
from matchrcnn.project import Project
from stages import run


def main() -> None:
    """Write data/settings/training/RUN.json and data/settings/inference/RUN.json."""
    project = Project()
    for name in project.params.runs:
        for what, values in project.params.settings(name)._asdict().items():
            write_json(project.settings / what / f"{name}.json", values, indent=True)


if __name__ == "__main__":
    run(main)
