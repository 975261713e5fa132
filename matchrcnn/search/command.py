"""A search from a photo and a gallery to a JSON file and a picture."""

import hashlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from matchrcnn.config import CONFIG, WEIGHTS, HardwareParams
from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write, read_json, sha256, write_json
from matchrcnn.search.find import Answer, as_json, search
from matchrcnn.search.index import HEAD, build_index, is_index, load_index, weights_digest
from matchrcnn.search.picture import draw_answers
from matchrcnn.taxonomy import category

MODELS = Path("models")
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
    if not options.photo.is_file():
        raise UserError(f"{options.photo}: no such file")
    model = options.model or _only_model(options.gallery)
    folder = options.gallery
    if not is_index(folder):
        folder = options.index or _index_of(options.gallery, model)
        for name in build_index(options.gallery, folder, model, hardware):
            print(f"{options.gallery / name}: cannot be read as a picture; left out", file=sys.stderr)
    index = load_index(folder)
    answers = search(options.photo, index, model, hardware, options.top, options.min_score)
    write_json(options.output.with_suffix(".json"), as_json(options.photo, answers, index.images), indent=True)
    picture = io.BytesIO()
    draw_answers(options.photo, answers).save(picture, "PNG")
    with atomic_write(options.output.with_suffix(".png")) as file:
        file.write(picture.getvalue())
    return _told(options, answers, len(index.files))


def _only_model(gallery: Path) -> Path:
    """The one retrieval run of models/, that of the index where the gallery is one."""
    runs = [path.parent for path in sorted(MODELS.glob(f"*/{CONFIG}")) if _task(path) == "retrieval"]
    runs = [run for run in runs if (run / WEIGHTS).is_file()]
    if is_index(gallery):
        wanted = read_json(gallery / HEAD)["model"]
        runs = [run for run in runs if sha256(run / WEIGHTS) == wanted]
    if len(runs) != 1:
        found = ", ".join(map(str, runs)) or "none fits"
        raise UserError(f"--model: name the trained retrieval run to search with; in {MODELS}: {found}")
    return runs[0]


def _task(config: Path) -> str:
    return str(yaml.safe_load(config.read_text())["task"])


def _index_of(images: Path, model: Path) -> Path:
    """Where the index of a folder is kept: one a folder and model."""
    key = hashlib.sha256(f"{images.resolve()}\n{weights_digest(model)}".encode()).hexdigest()[:12]
    return INDEXES / f"{images.resolve().name}-{key}"


def _told(options: SearchOptions, answers: list[Answer], pictures: int) -> str:
    if not answers:
        return f"{options.photo}: no garment found with a score of {options.min_score} or more"
    names = ", ".join(category(answer.garment.category_id).name for answer in answers)
    return f"{options.photo}: {names}; searched in {pictures:,} pictures, see {options.output.with_suffix('.png')}"
