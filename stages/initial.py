"""Prepare what trainings start from: `python -m stages.initial` writes models/initial."""

from safetensors.torch import save

from matchrcnn.config import INITIAL, WEIGHTS
from matchrcnn.files import atomic_write
from matchrcnn.modeling.pretrained import read_pretrained
from stages import MODELS, params, run


def main() -> None:
    """Write the pretrained backbone under our names, or no tensor at all where training starts from scratch."""
    source = params().model.initial_weights
    weights = {} if source is None else read_pretrained(source.file, source.sha256)
    with atomic_write(MODELS / INITIAL / WEIGHTS) as file:
        file.write(save({name: value.contiguous() for name, value in weights.items()}))
    print(f"{MODELS / INITIAL}: {len(weights)} tensors of {source.file}" if source else f"{INITIAL}: from scratch")


if __name__ == "__main__":
    run(main)
