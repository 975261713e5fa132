"""Score a run's results overall, on the 12 subsets and per category: `python -m stages.evaluate RUN`."""

from matchrcnn.errors import UserError
from matchrcnn.evaluation.headline import write_headline
from matchrcnn.evaluation.retrieval.run import add_retrieval
from matchrcnn.evaluation.run import evaluate_run
from stages import ANNOTATIONS, REPORTS, RESULTS, argument, params, run

STREAMS = {"boxes": "box", "masks": "mask", "landmarks": "landmarks"}


def main() -> None:
    """Write the run's metrics, and the few of them that `dvc metrics show` can show on a page."""
    active = params()
    name = active.run(argument("run", "a run of params.yaml")).name
    files = {stream: RESULTS / name / f"{file}.json" for file, stream in STREAMS.items()}
    results = {stream: path for stream, path in files.items() if path.is_file()}
    if not results:
        raise UserError(f"{RESULTS / name}: holds no results; `dvc repro predict@{name}` writes them")
    evaluate_run(ANNOTATIONS / "validation.json", results, REPORTS / name, active.evaluation)
    add_retrieval(ANNOTATIONS / "validation.json", RESULTS / name, REPORTS / name, active.evaluation.bootstrap)
    write_headline(REPORTS / name)


if __name__ == "__main__":
    run(main)
