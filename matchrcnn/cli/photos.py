"""Commands with a trained run: predict, search, export-onnx."""

import argparse
from pathlib import Path

from matchrcnn.cli.arguments import Commands, count, share


def add_predict(commands: Commands) -> None:
    """Describe `matchrcnn predict`."""
    parser = commands.add_parser("predict", help="find garments in your photos; writes pictures, JSON and COCO results")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="PHOTO", help="a picture, or a folder of pictures")
    parser.add_argument(
        "--run",
        dest="runs",
        type=Path,
        action="append",
        default=[],
        metavar="RUN",
        help="trained run, as detection or models/detection; the first finds the garments, each other adds masks, "
        "landmarks or the embeddings to search with (default: the runs of models/ that have learned most together)",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("garments"), help="folder (default: %(default)s)")
    parser.add_argument("--gallery", type=Path, help="folder of pictures, or an index, to find similar garments in")
    parser.add_argument("--index", type=Path, help="an index; with --gallery FOLDER: where to keep the folder's index")
    parser.add_argument("--top", type=count, default=5, help="similar garments for each garment (default: %(default)s)")
    parser.add_argument("--min-score", type=share, default=0.5, help="least score, 0 to 1 (default: %(default)s)")
    parser.add_argument("--batch", type=count, help="pictures per minibatch (default: as the run has it)")
    parser.add_argument("--format", choices=["jpg", "png"], default="jpg", help="of pictures (default: %(default)s)")
    parser.add_argument("--size", type=count, default=2048, help="their longer edge at most (default: %(default)s)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    from matchrcnn.config import HardwareParams
    from matchrcnn.inference.predict import PredictOptions, run_predict

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
    print(outcome.described(arguments.output))
    return 1 if outcome.problems else 0


def add_search(commands: Commands) -> None:
    """Describe `matchrcnn search`."""
    parser = commands.add_parser("search", help="find the garments of a photo in a folder of pictures")
    parser.add_argument("photo", type=Path, help="the photo")
    parser.add_argument("--gallery", type=Path, required=True, help="folder of pictures, or an index made from one")
    run_help = "trained retrieval run, as retrieval_class or models/retrieval_class (default: the only one in models/)"
    parser.add_argument("--run", dest="model", type=Path, metavar="RUN", help=run_help)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)  # its name up to 0.1
    parser.add_argument("--index", type=Path, help="where a folder's index is kept (default: .work/index/...)")
    parser.add_argument("-o", "--output", type=Path, default=Path("search"), help="write OUTPUT.json and OUTPUT.png")
    parser.add_argument("--top", type=count, default=10, help="pictures found for each garment (default: %(default)s)")
    parser.add_argument(
        "--min-score",
        type=share,
        default=0.5,
        help="least score of the garments that count, in photo and gallery, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import HardwareParams
    from matchrcnn.inference.search import SearchOptions, run_search

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


def add_export_onnx(commands: Commands) -> None:
    """Describe `matchrcnn export-onnx`."""
    parser = commands.add_parser("export-onnx", help="write a trained run as ONNX, and compare both on pictures")
    parser.add_argument("folder", type=Path, metavar="RUN", help="trained run, as detection or models/detection")
    parser.add_argument("-o", "--output", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--min-score", type=share, help="least score of a garment, 0 to 1 (default: as the run has it)")
    parser.add_argument(
        "--check", type=Path, nargs="+", default=[], metavar="PHOTO", help="pictures to compare both on"
    )
    parser.set_defaults(run=_export_onnx)


def _export_onnx(arguments: argparse.Namespace) -> int:
    from matchrcnn.inference.onnx.command import run_export

    summary, same = run_export(arguments.folder, arguments.output, arguments.check, arguments.min_score)
    print(summary)
    return 0 if same else 1
