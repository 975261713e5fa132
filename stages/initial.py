"""Prepare what trainings start from: `python -m stages.initial` writes models/initial."""

from safetensors.torch import save

from matchrcnn.config import INITIAL
from matchrcnn.files import atomic_write
from matchrcnn.modeling.initial_weights import by_module
from matchrcnn.modeling.pretrained import read_pretrained
from matchrcnn.project import WEIGHTS, Project
from stages import run


def main() -> None:
    """Write the pretrained backbone under our names, or no tensor at all where training starts from scratch.

    What of it a run loads and what it misses is printed when the run starts.
    """
    project = Project()
    source = project.params.model.initial_weights
    weights, left_over = ({}, []) if source is None else read_pretrained(source.file, source.sha256)
    with atomic_write(project.models / INITIAL / WEIGHTS) as file:
        file.write(save({name: value.contiguous() for name, value in weights.items()}))
    if source is None:
        print(f"{INITIAL}: from scratch")
        return
    print(f"{project.models / INITIAL}: {len(weights)} tensors of {source.file}: {by_module(list(weights))}")
    print(f"left over: {', '.join(left_over) or 'nothing'}")


if __name__ == "__main__":
    run(main)
