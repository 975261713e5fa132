"""Commands about results: evaluate, compare."""

import argparse
import sys
from pathlib import Path
from typing import Final

from matchrcnn.cli.arguments import Commands, resamples
from matchrcnn.cli.example import add_example
from matchrcnn.errors import UserError
from matchrcnn.tasks import TASKS

SUBSET_RULE: Final = "subset_images"


def add_evaluate(commands: Commands) -> None:
    """Describe `matchrcnn evaluate`."""
    parser = commands.add_parser("evaluate", help="score results, of any framework, overall and on every subset")
    parser.add_argument("--task", choices=list(TASKS), required=True)
    parser.add_argument("--annotations", type=Path, help="converted annotations of the split")
    parser.add_argument("--results", type=Path, required=True, help="results in the official (COCO) format")
    parser.add_argument("--query", type=Path, help="retrieval: official ground truth, instead of --annotations")
    parser.add_argument("--gallery", type=Path, help="retrieval: official ground truth, instead of --annotations")
    parser.add_argument(
        "--subsets",
        choices=["subset_images", "all_images", "whole_images"],
        metavar="RULE",
        help=f"what counts in a subset of detections: %(choices)s (default: {SUBSET_RULE})",
    )
    parser.add_argument("--bootstrap", type=resamples, default=0, metavar="N", help="resamples for 95 %% intervals")
    parser.add_argument("--output", type=Path, help="JSON of metrics, intervals and protocol to write")
    add_example(parser)
    parser.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> None:
    if TASKS[arguments.task].by_category:
        _evaluate_detections(arguments)
    else:
        _evaluate_retrieval(arguments)


def _evaluate_detections(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import BootstrapParams, EvaluationParams
    from matchrcnn.evaluation.run import write_evaluation
    from matchrcnn.evaluation.scoring import evaluate_file
    from matchrcnn.evaluation.text_table import as_text

    if arguments.annotations is None:
        raise UserError("--annotations: missing; give the split's converted annotations")
    stream = TASKS[arguments.task].judged_by
    bootstrap = BootstrapParams(resamples=arguments.bootstrap)
    params = EvaluationParams(subset_rule=arguments.subsets or SUBSET_RULE, bootstrap=bootstrap)
    scored = evaluate_file(arguments.annotations, arguments.results, stream, params)
    print("\n\n".join(as_text(name, found) for name, found in scored.items()))
    if arguments.output:
        write_evaluation(arguments.output, arguments.annotations, arguments.results, stream, scored, params)


def _evaluate_retrieval(arguments: argparse.Namespace) -> None:
    from matchrcnn.config import BootstrapParams
    from matchrcnn.evaluation.retrieval.run import as_text, evaluate_files, evaluate_split
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


def add_compare(commands: Commands) -> None:
    """Describe `matchrcnn compare`."""
    parser = commands.add_parser("compare", help="compare versions and mark the differences that exceed chance")
    parser.add_argument(
        "versions",
        nargs="+",
        metavar="VERSION",
        help="git revision, DVC experiment, folder of a project or of its reports; VERSION:RUN is one run of it; "
        "the others are compared with the first",
    )
    parser.add_argument("-o", "--output", type=Path, help="Markdown to write, instead of printing it")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, as is done where this is no terminal")
    parser.add_argument("--html", type=Path, help="self-contained HTML page to write as well")
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> None:
    from matchrcnn.files import write_text
    from matchrcnn.reporting.compare.pages import compare_names, to_markdown_page, write_html
    from matchrcnn.reporting.compare.terminal import to_text

    comparisons = compare_names(arguments.versions)
    if arguments.html:
        write_html(comparisons, arguments.html)
    if arguments.output:
        write_text(arguments.output, to_markdown_page(comparisons))
    elif arguments.markdown or not sys.stdout.isatty():
        print(to_markdown_page(comparisons), end="")
    else:
        print(to_text(comparisons), end="")
