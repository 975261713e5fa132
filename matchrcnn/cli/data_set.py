"""Commands about a data set: inspect, convert, export."""

import argparse
from pathlib import Path

from matchrcnn.cli.arguments import Commands


def add_inspect(commands: Commands) -> None:
    """Describe `matchrcnn inspect`."""
    parser = commands.add_parser("inspect", help="count what a data set holds and what is wrong with it")
    parser.add_argument("root", type=Path, help="folder with train/, validation/ or test/")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--defects", action="store_true", help="list every defect with its file, item and reason")
    parser.set_defaults(run=_inspect)


def _inspect(arguments: argparse.Namespace) -> None:
    import orjson

    from matchrcnn.data.inspect import as_text, inspect_dataset

    reports = inspect_dataset(arguments.root)
    if arguments.json:
        print(orjson.dumps(reports, option=orjson.OPT_INDENT_2).decode())
    else:
        print(as_text(reports, all_defects=arguments.defects))


def add_convert(commands: Commands) -> None:
    """Describe `matchrcnn convert`."""
    parser = commands.add_parser("convert", help="write a split in the original layout as COCO annotations")
    parser.add_argument("split", type=Path, help="folder with image/ and annos/, as DATA_SET/train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="COCO JSON to write")
    parser.add_argument("--report", type=Path, help="JSON of counts and defects to write")
    parser.add_argument("--name", help="the data set in words, as DeepFashion2; the name of its folder by default")
    parser.set_defaults(run=_convert)


def _convert(arguments: argparse.Namespace) -> None:
    from matchrcnn.data.convert import convert

    report = convert(arguments.split, arguments.output, arguments.report, name=arguments.name)
    counts = report["counts"]
    print(f"{arguments.output}: {counts['images']:,} images, {counts['items']:,} items")
    for kind, found in report["defects"].items():
        print(f"  {found['count']:,} x {kind}: {found['action']}")


def add_export(commands: Commands) -> None:
    """Describe `matchrcnn export`."""
    parser = commands.add_parser("export", help="write annotations or landmark results in the official 294-wide form")
    parser.add_argument("file", type=Path, help="converted annotations, or a result file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON to write")
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> None:
    from matchrcnn.data.export import export

    print(f"{arguments.output}: {export(arguments.file, arguments.output):,} entries")
