"""Draw the sample data set into data/sample: `python -m stages.sample`."""

from pathlib import Path

from matchrcnn.data.sample import write_sample
from stages import params, run

SAMPLE = Path("data/sample")


def main() -> None:
    """Draw the data set that params.yaml describes."""
    write_sample(SAMPLE, params().sample)


if __name__ == "__main__":
    run(main)
