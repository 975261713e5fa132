"""Export a trained run to an ONNX file and compare both on pictures."""

from collections.abc import Sequence
from pathlib import Path

from matchrcnn.errors import UserError
from matchrcnn.inference.onnx.check import Difference, compare
from matchrcnn.inference.onnx.export import export_onnx
from matchrcnn.inference.photos.reading import read_photo
from matchrcnn.inference.photos.sources import sources_of


def run_export(
    folder: Path, output: Path, pictures: Sequence[Path] = (), min_score: float | None = None
) -> tuple[str, bool]:
    """Export a run and compare it on pictures, files or folders.

    Returns:
        The outputs and the differences in words, and whether file and run are the same.

    Raises:
        UserError: the folder holds no trained run, or a picture cannot be read.
    """
    sources, problems = sources_of(pictures, output)
    if problems:
        raise UserError("\n".join(problems))
    photos = [read_photo(source.path) for source in sources]
    names = export_onnx(folder, output, min_score)
    written = f"{output}: image (3, height, width) to {', '.join(names)}"
    if not photos:
        return f"{written}; not compared, name pictures with --check", True
    found = compare(folder, output, photos, min_score)
    return f"{written}\n{_in_words(found)}", found.same


def _in_words(found: Difference) -> str:
    verdict = "the same as the run" if found.same else "NOT the same as the run"
    count = f"{found.pictures} picture" + "s" * (found.pictures != 1)
    return (
        f"{verdict} on {count} with {found.garments} garments: {found.unlike} with other garments; largest difference "
        f"of scores {found.score:.1e}, of boxes {found.box:.1e} pixels; smallest IoU of masks {found.mask:.4f}; "
        f"{found.landmarks:.2%} of landmarks within a pixel; embeddings {found.embedding:.1e} apart"
    )
