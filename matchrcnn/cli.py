"""`matchrcnn`: the library from the command line, without DVC.

Each command is one `_add_NAME` that describes its arguments and one function that runs it; heavy imports stand inside,
so that `--help` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from matchrcnn.errors import UserError, as_user_error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it succeeded, 1 when some of what it was given could not be used, 2 when the user has something to mend.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print(f"matchrcnn {arguments.command}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        known = as_user_error(error)
        if known is None:
            raise
        print(f"matchrcnn {arguments.command}: {known}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="matchrcnn", description="The DeepFashion2 benchmarks of Match R-CNN.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_inspect(commands)
    _add_convert(commands)
    _add_export(commands)
    _add_evaluate(commands)
    _add_search(commands)
    _add_compare(commands)
    _add_predict(commands)
    _add_export_onnx(commands)
    return parser


def _add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("inspect", help="count what a data set holds and what is wrong with it")
    parser.add_argument("root", type=Path, help="folder with train/, validation/ or test/")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--defects", action="store_true", help="list every defect with its file, item and reason")
    parser.set_defaults(run=_inspect)


def _inspect(arguments: argparse.Namespace) -> None:
    import orjson
    from rich.console import Console

    from matchrcnn.data.inspect import inspect_dataset, print_reports

    reports = inspect_dataset(arguments.root)
    if arguments.json:
        print(orjson.dumps(reports, option=orjson.OPT_INDENT_2).decode())
    else:
        print_reports(reports, Console(), all_defects=arguments.defects)


def _add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("convert", help="write a split in the original layout as COCO annotations")
    parser.add_argument("split", type=Path, help="folder with image/ and annos/, as DATA_SET/train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="COCO JSON to write")
    parser.add_argument("--report", type=Path, help="JSON of counts and defects to write")
    parser.set_defaults(run=_convert)


def _convert(arguments: argparse.Namespace) -> None:
    from matchrcnn.data.convert import convert

    report = convert(arguments.split, arguments.output, arguments.report)
    counts = report["counts"]
    print(f"{arguments.output}: {counts['images']:,} images, {counts['items']:,} items")
    for kind, found in report["defects"].items():
        print(f"  {found['count']:,} x {kind}: {found['action']}")


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("export", help="write annotations or landmark results in the official 294-wide form")
    parser.add_argument("file", type=Path, help="converted annotations, or a result file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON to write")
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> None:
    from matchrcnn.data.export import export

    print(f"{arguments.output}: {export(arguments.file, arguments.output):,} entries")


def _resamples(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number}: a number of resamples is expected, 0 for none")
    return number


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("evaluate", help="score results, of any framework, overall and on every subset")
    parser.add_argument("--task", choices=list(_EVALUATIONS), required=True)
    parser.add_argument("--annotations", type=Path, help="converted annotations of the split")
    parser.add_argument("--results", type=Path, required=True, help="results in the official (COCO) format")
    parser.add_argument("--query", type=Path, help="retrieval: official ground truth, instead of --annotations")
    parser.add_argument("--gallery", type=Path, help="retrieval: official ground truth, instead of --annotations")
    parser.add_argument(
        "--subsets",
        choices=["subset_images", "all_images", "whole_images"],
        default="subset_images",
        metavar="RULE",
        help="what counts in a subset: %(choices)s (default: %(default)s)",
    )
    parser.add_argument("--bootstrap", type=_resamples, default=0, metavar="N", help="resamples for 95 %% intervals")
    parser.add_argument("--output", type=Path, help="JSON of metrics, intervals and protocol to write")
    parser.set_defaults(run=lambda arguments: _EVALUATIONS[arguments.task](arguments))


def _evaluate_detections(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import BootstrapParams, EvaluationParams
    from matchrcnn.evaluation.evaluate import write_evaluation
    from matchrcnn.evaluation.scoring import evaluate_file
    from matchrcnn.evaluation.text_table import as_text

    if arguments.annotations is None:
        raise UserError("--annotations: missing; give the split's converted annotations")
    kind = {"detection": "box", "segmentation": "mask", "landmarks": "landmarks"}[arguments.task]
    bootstrap = BootstrapParams(resamples=arguments.bootstrap)
    params = EvaluationParams(subset_rule=arguments.subsets, bootstrap=bootstrap)
    scored = evaluate_file(arguments.annotations, arguments.results, kind, params)
    print("\n\n".join(as_text(name, found) for name, found in scored.items()))
    if arguments.output:
        write_evaluation(arguments.output, arguments.annotations, {kind: arguments.results}, scored, params)


def _evaluate_retrieval(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import BootstrapParams
    from matchrcnn.evaluation.retrieval_run import as_text, evaluate_files, evaluate_split
    from matchrcnn.files import write_json

    bootstrap = BootstrapParams(resamples=arguments.bootstrap)
    if arguments.annotations:
        found = evaluate_split(arguments.annotations, arguments.results, bootstrap)
    elif arguments.query and arguments.gallery:
        found = evaluate_files(arguments.query, arguments.gallery, arguments.results, bootstrap)
    else:
        raise UserError("--query, --gallery: missing; give both official ground-truth files, or --annotations")
    print(as_text(found))
    if arguments.output:
        intervals = {"intervals": {"retrieval": found.intervals}} if found.intervals else {}
        write_json(arguments.output, {"retrieval": found.metrics, **intervals}, indent=True)


_EVALUATIONS = {
    "detection": _evaluate_detections,
    "segmentation": _evaluate_detections,
    "landmarks": _evaluate_detections,
    "retrieval": _evaluate_retrieval,
}


def _add_search(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("search", help="find the garments of a photo in a folder of pictures")
    parser.add_argument("photo", type=Path, help="the photo")
    parser.add_argument("--gallery", type=Path, required=True, help="folder of pictures, or an index made from one")
    parser.add_argument("--model", type=Path, help="trained retrieval run (default: the only one in models/)")
    parser.add_argument("--index", type=Path, help="where a folder's index is kept (default: .work/index/...)")
    parser.add_argument("-o", "--output", type=Path, default=Path("search"), help="write OUTPUT.json and OUTPUT.png")
    parser.add_argument("--top", type=int, default=10, help="pictures found for each garment (default: %(default)s)")
    parser.add_argument(
        "--min-score",
        type=float,
        default=0.5,
        help="least certainty of the garments that count, in photo and gallery (default: %(default)s)",
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import HardwareParams
    from matchrcnn.search.command import SearchOptions, run_search

    options = SearchOptions(
        photo=arguments.photo,
        gallery=arguments.gallery,
        model=arguments.model,
        index=arguments.index,
        output=arguments.output,
        top=arguments.top,
        min_score=arguments.min_score,
    )
    print(run_search(options, HardwareParams(device=arguments.device)))


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("compare", help="what differs between versions, and what of it by more than chance")
    parser.add_argument(
        "versions",
        nargs="+",
        metavar="VERSION",
        help="git revision, DVC experiment, folder of a project or of its reports; VERSION:RUN is one run of it; "
        "the first is what the others are compared with",
    )
    parser.add_argument("-o", "--output", type=Path, help="Markdown to write, instead of printing it")
    parser.add_argument("--html", type=Path, help="self-contained HTML page to write as well")
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> None:
    from matchrcnn.comparison.pages import compare_names, to_markdown_page, write_html
    from matchrcnn.files import write_text

    comparisons = compare_names(arguments.versions)
    if arguments.html:
        write_html(comparisons, arguments.html)
    if arguments.output:
        write_text(arguments.output, to_markdown_page(comparisons))
    else:
        print(to_markdown_page(comparisons), end="")


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("predict", help="garments in one's own photos: pictures, JSON and COCO results")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="PHOTO", help="a picture, or a folder of pictures")
    parser.add_argument(
        "--run",
        dest="runs",
        type=Path,
        action="append",
        default=[],
        help="trained run, as models/RUN; the first finds the garments, each other adds masks, landmarks or what is "
        "searched with (default: the runs of models/ that see most together)",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("garments"), help="folder (default: %(default)s)")
    parser.add_argument("--gallery", type=Path, help="folder of pictures, or an index, to find similar garments in")
    parser.add_argument("--index", type=Path, help="an index; beside --gallery FOLDER: where the folder's is kept")
    parser.add_argument("--top", type=_count, default=5, help="similar garments of each garment (default: %(default)s)")
    parser.add_argument("--min-score", type=_share, default=0.5, help="least certainty (default: %(default)s)")
    parser.add_argument("--batch", type=_count, help="pictures at a time (default: as the run has it)")
    parser.add_argument("--format", choices=["jpg", "png"], default="jpg", help="of pictures (default: %(default)s)")
    parser.add_argument("--size", type=_count, default=2048, help="their longer edge at most (default: %(default)s)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.set_defaults(run=_predict)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def _predict(arguments: argparse.Namespace) -> int:
    from matchrcnn.config import HardwareParams
    from matchrcnn.photo.command import PredictOptions, run_predict

    options = PredictOptions(
        inputs=tuple(arguments.inputs),
        output=arguments.output,
        runs=tuple(arguments.runs),
        gallery=arguments.gallery,
        index=arguments.index,
        top=arguments.top,
        min_score=arguments.min_score,
        batch=arguments.batch,
        picture_format=arguments.format,
        longer_edge=arguments.size,
    )
    outcome = run_predict(options, HardwareParams(device=arguments.device))
    print(outcome.told(arguments.output))
    return 1 if outcome.problems else 0


def _add_export_onnx(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("export-onnx", help="write a trained run as ONNX, and compare both on pictures")
    parser.add_argument("folder", type=Path, metavar="RUN", help="trained run, as models/RUN")
    parser.add_argument("-o", "--output", type=Path, required=True, help="ONNX file to write")
    parser.add_argument(
        "--min-score", type=_share, help="least certainty of what it finds (default: as the run has it)"
    )
    parser.add_argument(
        "--check", type=Path, nargs="+", default=[], metavar="PHOTO", help="pictures to compare both on"
    )
    parser.set_defaults(run=_export_onnx)


def _export_onnx(arguments: argparse.Namespace) -> int:
    from matchrcnn.deploy.command import run_export

    told, same = run_export(arguments.folder, arguments.output, arguments.check, arguments.min_score)
    print(told)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
