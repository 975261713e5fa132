"""Write what of params.yaml each run depends on: `python -m stages.settings`.

DVC's parameters are whole keys of params.yaml, and its dependencies whole files: a training that named its run's key
would start again where the run's `inference` changes, and one that named tasks.py where a title does. So trainings and
predictions depend on these files instead, which change when the values do.
"""

from matchrcnn.files import write_json
from matchrcnn.project import Project
from matchrcnn.tasks import decisive
from stages import run


def main() -> None:
    """Write data/settings/training/RUN.json and data/settings/inference/RUN.json."""
    project = Project()
    for name in project.params.runs:
        run = project.params.run(name)
        by_task = decisive(run.task, run.retrieval.variant if run.retrieval else None)
        for what, values in project.params.settings(name)._asdict().items():
            write_json(project.settings / what / f"{name}.json", values | {"by_task": by_task}, indent=True)


if __name__ == "__main__":
    run(main)
