"""Search a gallery for the garments of a photo; write a JSON file and a picture."""

import hashlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matchrcnn.config import HardwareParams
from matchrcnn.files import atomic_write, write_json
from matchrcnn.inference.gallery.index import build_index, is_index
from matchrcnn.inference.gallery.picture import draw_similar
from matchrcnn.inference.learned import drawings_note, with_corner
from matchrcnn.inference.network import weights_digest
from matchrcnn.inference.photos.garment import Garment, as_json
from matchrcnn.inference.photos.reading import read_photo
from matchrcnn.inference.predictor import Predictor
from matchrcnn.inference.runs import MODELS, embedder
from matchrcnn.project import Project, trained_runs


@dataclass(frozen=True)
class SearchOptions:
    """Inputs, outputs and limits of a search; see `matchrcnn search --help`."""

    photo: Path
    gallery: Path
    model: Path | None = None
    index: Path | None = None
    output: Path = Path("search")
    top: int = 10
    min_score: float = 0.5


def run_search(options: SearchOptions, hardware: HardwareParams) -> str:
    """Search a gallery, write OUTPUT.json and OUTPUT.png, and return a one-line summary.

    A gallery that is a folder of pictures is indexed first.

    Raises:
        UserError: a file or folder is missing or of another kind, or it is not clear which model to use.
    """
    photo = read_photo(options.photo)
    runs = [options.model] if options.model else trained_runs(MODELS)
    index = indexed(options.gallery, runs, options.index, hardware)
    predictor = Predictor.load(
        embedder(runs, index),
        device=hardware.device,
        min_score=options.min_score,
        index=index,
        top=options.top,
        streams=(),
    )
    garments, gallery = predictor.of_photos([photo])[0], predictor.gallery
    assert gallery is not None
    described = [as_json(each, gallery.index.images) for each in garments]
    value: dict[str, object] = {"photo": options.photo.name, "garments": described}
    used = [network.folder for network in predictor.networks]
    if note := drawings_note(used):
        value["note"] = note
        print(note, file=sys.stderr)
    write_json(options.output.with_suffix(".json"), value, indent=True)
    picture = io.BytesIO()
    with_corner(draw_similar(photo, garments), used).save(picture, "PNG")
    with atomic_write(options.output.with_suffix(".png")) as file:
        file.write(picture.getvalue())
    return _described(options, garments, len(gallery.index.files))


def indexed(gallery: Path, runs: Sequence[Path], index: Path | None, hardware: HardwareParams) -> Path:
    """Return the index of a gallery: the gallery where it is an index, else one built from its pictures.

    Args:
        gallery: an index, or a folder of pictures.
        runs: the one retrieval run among them indexes the pictures.
        index: where a folder's index is kept; None: in the project's work folder, one per folder and model.
        hardware: device and loader workers.

    Raises:
        UserError: there is no such folder, no picture in it, or the run is not clear.
    """
    if is_index(gallery):
        return gallery
    model = embedder(runs)
    folder = index or _index_of(gallery, model)
    for name in build_index(gallery, folder, model, hardware):
        print(f"{gallery / name}: cannot be read as a picture; left out", file=sys.stderr)
    return folder


def _index_of(images: Path, model: Path) -> Path:
    """The folder of an index, one per folder of pictures and model."""
    key = hashlib.sha256(f"{images.resolve()}\n{weights_digest(model)}".encode()).hexdigest()[:12]
    return Project().indexes / f"{images.resolve().name}-{key}"


def _described(options: SearchOptions, garments: Sequence[Garment], pictures: int) -> str:
    if not garments:
        return f"{options.photo}: no garment found with a score of {options.min_score} or more"
    count = f"{len(garments)} garment{'' if len(garments) == 1 else 's'}"
    names = f"{count} ({', '.join(garment.category for garment in garments)})"
    return f"{options.photo}: {names}; searched in {pictures:,} pictures, see {options.output.with_suffix('.png')}"
