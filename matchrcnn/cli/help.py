"""Descriptions and examples of the commands, as `--help` prints them."""

import argparse
from collections.abc import Mapping
from typing import NamedTuple


class Help(NamedTuple):
    """What `--help` says beyond the list of options.

    Attributes:
        description: what the command does.
        examples: command line -> what it does.
    """

    description: str
    examples: Mapping[str, str]


HELP = {
    "inspect": Help(
        "Count the images, items, pairs and defects of each split of a data set in DeepFashion2's layout. Reads only.",
        {
            "matchrcnn inspect data/sample": "tables of all splits",
            "matchrcnn inspect data/sample --defects": "the same, and each defect with its file and reason",
        },
    ),
    "convert": Help(
        "Write one split in DeepFashion2's layout as COCO annotations. Reports each kind of defect and how it was "
        "handled.",
        {
            "matchrcnn convert data/sample/validation -o validation.json": "one split",
            "matchrcnn convert data/sample/train -o train.json --report train_report.json": "and its counts as JSON",
        },
    ),
    "export": Help(
        "Write converted annotations or landmark results in DeepFashion2's official form, with 294 landmarks for each "
        "item, for other tools.",
        {
            "matchrcnn export data/coco/validation.json -o official.json": "annotations",
            "matchrcnn export results/landmarks/landmarks.json -o official_results.json": "landmark results",
        },
    ),
    "evaluate": Help(
        "Score result files in the official formats, whatever wrote them, overall and on each subset (scale, "
        "occlusion, zoom-in, viewpoint). Prints tables.",
        {
            "matchrcnn evaluate --example": "the sample files of the package: nothing to download",
            "matchrcnn evaluate --task segmentation --annotations data/coco/validation.json "
            "--results results/segmentation/masks.json --bootstrap 1000": "masks, with 95 % intervals",
        },
    ),
    "compare": Help(
        "Compare versions and mark the differences that exceed chance. A version is a git revision, a DVC experiment, "
        "or a folder of a project or of its reports; VERSION:RUN is one run of it.",
        {
            "matchrcnn compare main my-branch": "all runs of two revisions",
            "matchrcnn compare .:detection .:segmentation --html compare.html": "two runs, printed and as a page",
        },
    ),
    "predict": Help(
        "Find garments in your photos. Writes pictures, garments.json and COCO results. Needs the extra photos.",
        {
            "matchrcnn predict photos": "a folder, with the runs of models/ that see most together",
            "matchrcnn predict photos/coat.jpg --run segmentation --run landmarks -o coat": "named runs, one photo",
        },
    ),
    "search": Help(
        "Find the garments of a photo in a folder of pictures. Writes OUTPUT.json and OUTPUT.png. Needs the extra "
        "photos.",
        {
            "matchrcnn search photos/coat.jpg --gallery shop": "index the folder, then search it",
            "matchrcnn search photos/coat.jpg --gallery shop --run retrieval_class --top 5 -o coat": "with a named run",
        },
    ),
    "export-onnx": Help(
        "Write a trained run as ONNX and compare the file with the run on pictures. Needs the extra onnx.",
        {
            "matchrcnn export-onnx segmentation -o segmentation.onnx": "the run segmentation of models/",
            "matchrcnn export-onnx models/landmarks -o landmarks.onnx --check photos": "compared on a folder",
        },
    ),
}


def explain(parsers: Mapping[str, argparse.ArgumentParser]) -> None:
    """Give each command its description and its examples."""
    for name, parser in parsers.items():
        parser.description = HELP[name].description
        parser.epilog = "examples:\n" + "\n".join(
            f"  {line}\n      {meaning}" for line, meaning in HELP[name].examples.items()
        )
        parser.formatter_class = Formatter


class Formatter(argparse.HelpFormatter):
    """Wraps descriptions, and leaves an indented text as it is: examples stay one line each, to be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n  " in text else super()._fill_text(text, width, indent)
