"""Run a trained model over the validation split: `python -m stages.predict RUN`."""

from matchrcnn.inference.retrieve import predict_retrieval
from matchrcnn.inference.split import predict_split
from stages import MODELS, RESULTS, argument, params, run, split


def main() -> None:
    """Write the run's results in the official formats."""
    active = params()
    config = active.run(argument("run", "a run of params.yaml"))
    predict = predict_retrieval if config.task == "retrieval" else predict_split
    held_out, results = split(active, "validation"), RESULTS / config.name
    predict(MODELS / config.name, held_out, results, config.inference, active.hardware)


if __name__ == "__main__":
    run(main)
