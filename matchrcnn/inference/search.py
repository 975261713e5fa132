"""A search from a photo and a gallery to a JSON file and a picture."""

import hashlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matchrcnn.config import HardwareParams
from matchrcnn.files import atomic_write, write_json
from matchrcnn.inference.gallery.index import build_index, is_index, weights_digest
from matchrcnn.inference.gallery.picture import draw_similar
from matchrcnn.inference.learned import drawings_note, with_corner
from matchrcnn.inference.photos.garment import Garment, as_json
from matchrcnn.inference.photos.reading import read_photo
from matchrcnn.inference.predictor import Predictor
from matchrcnn.inference.runs import embedder, trained_runs

INDEXES = Path(".work/index")


@dataclass(frozen=True)
class SearchOptions:
    """What is searched for, where, and where the answers go; see `matchrcnn search --help`."""

    photo: Path
    gallery: Path
    model: Path | None = None
    index: Path | None = None
    output: Path = Path("search")
    top: int = 10
    min_score: float = 0.5


def run_search(options: SearchOptions, hardware: HardwareParams) -> str:
    """Index the gallery where it is a folder of pictures, search it, write OUTPUT.json and OUTPUT.png; what was found.

    Raises:
        UserError: a file or folder is missing or of another kind, or the model is not told and not clear.
    """
    photo = read_photo(options.photo)
    runs = [options.model] if options.model else trained_runs()
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
    return _told(options, garments, len(gallery.index.files))


def indexed(gallery: Path, runs: Sequence[Path], index: Path | None, hardware: HardwareParams) -> Path:
    """The index of a gallery: itself where it is one, else made from a folder of pictures.

    Args:
        gallery: an index, or a folder of pictures.
        runs: the one retrieval run among them indexes the pictures.
        index: where a folder's index is kept; None: below .work, one a folder and model.
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
    """Where the index of a folder is kept: one a folder and model."""
    key = hashlib.sha256(f"{images.resolve()}\n{weights_digest(model)}".encode()).hexdigest()[:12]
    return INDEXES / f"{images.resolve().name}-{key}"


def _told(options: SearchOptions, garments: Sequence[Garment], pictures: int) -> str:
    if not garments:
        return f"{options.photo}: no garment found with a score of {options.min_score} or more"
    count = f"{len(garments)} garment{'' if len(garments) == 1 else 's'}"
    names = f"{count} ({', '.join(garment.category for garment in garments)})"
    return f"{options.photo}: {names}; searched in {pictures:,} pictures, see {options.output.with_suffix('.png')}"
