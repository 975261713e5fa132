"""Find the garments in files and folders of pictures; write pictures, one JSON file and COCO files."""

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from matchrcnn.config import HardwareParams
from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write
from matchrcnn.inference.gallery.picture import draw_similar
from matchrcnn.inference.learned import drawings_note, with_corner
from matchrcnn.inference.photos.drawing import draw_garments
from matchrcnn.inference.photos.reading import Photo, read_photo
from matchrcnn.inference.photos.sources import Source, sources_of
from matchrcnn.inference.plan import Plan
from matchrcnn.inference.predictor import Predictor
from matchrcnn.inference.records import Found, Records
from matchrcnn.inference.results import write_coco, write_garments
from matchrcnn.inference.runs import MODELS
from matchrcnn.inference.search import indexed
from matchrcnn.project import trained_runs


@dataclass(frozen=True)
class PredictOptions:
    """Inputs, runs and outputs of a call; see `matchrcnn predict --help`.

    Attributes:
        runs: folders of trained runs; none: those of models/ that have learned most together.
        gallery: an index or a folder of pictures, for similar garments.
        index: an index; with a gallery that is a folder of pictures: where its index is kept.
        batch: pictures per minibatch; None: as the first run has it.
    """

    inputs: tuple[Path, ...]
    output: Path
    runs: tuple[Path, ...] = ()
    gallery: Path | None = None
    index: Path | None = None
    top: int = 5
    min_score: float = 0.5
    batch: int | None = None
    picture_format: str = "jpg"
    longer_edge: int = 2048


@dataclass(frozen=True)
class Outcome:
    """Result of a call.

    Attributes:
        computed: pictures whose garments were computed now.
        kept: pictures whose garments an earlier call had found.
        problems: a line for each picture or folder that could not be read.
        garments: in all pictures together.
    """

    computed: int
    kept: int
    problems: tuple[str, ...]
    garments: int = 0

    def described(self, output: Path) -> str:
        """Return it in words, with where to look."""
        counted = f"{self.computed} computed, {self.kept} kept from before, {len(self.problems)} not read"
        found = f"{self.garments:,} garment{'' if self.garments == 1 else 's'} found"
        return f"{output}: {self.computed + self.kept} pictures ({counted}), {found}; see {output / 'garments.json'}"


def run_predict(options: PredictOptions, hardware: HardwareParams) -> Outcome:
    """Find the garments of all pictures, and write OUTPUT/pictures, OUTPUT/garments.json and OUTPUT/coco.

    Results of an earlier call are kept while the picture's bytes, the weights and the settings are the same. An
    unreadable picture is reported at once; the rest are processed.

    Raises:
        UserError: a run or an index is missing or does not fit.
    """
    index = options.index
    if options.gallery is not None:
        index = indexed(options.gallery, options.runs or trained_runs(MODELS), options.index, hardware)
    plan = Plan.make(options.runs, index)
    _print(plan.described())
    sources, problems = sources_of(options.inputs, options.output)
    for problem in problems:
        _print(problem)
    job, found = _Job(options, plan, hardware), []
    with tqdm(total=len(sources), desc="predict", unit="image") as bar:
        for start in range(0, len(sources), job.batch):
            found += job(sources[start : start + job.batch], bar)
    pictures = [(source, job.picture(source), outcome) for source, outcome in zip(sources, found, strict=True)]
    write_garments(options.output / "garments.json", job.settings, pictures, plan.gallery_images)
    read = [(source, outcome) for source, _, outcome in pictures if isinstance(outcome, Found)]
    write_coco(options.output / "coco", read, plan.streams)
    problems += [outcome for outcome in found if isinstance(outcome, str)]
    if note := drawings_note(plan.runs):
        tqdm.write(note, file=sys.stderr)
    garments = sum(len(outcome.garments) for _, outcome in read)
    return Outcome(job.computed, len(read) - job.computed, tuple(problems), garments)


def _print(line: str) -> None:
    tqdm.write(line.encode(errors="replace").decode(), file=sys.stderr)


class _Job:
    """One call's work, a minibatch at a time; the models are loaded when the first picture needs them."""

    def __init__(self, options: PredictOptions, plan: Plan, hardware: HardwareParams) -> None:
        self.options, self.plan, self.hardware = options, plan, hardware
        self.settings = plan.settings() | {"min_score": options.min_score}
        if note := drawings_note(plan.runs):
            self.settings["note"] = note
        if plan.index is not None:
            self.settings["top"] = options.top
        drawn = {"picture_format": options.picture_format, "longer_edge": options.longer_edge}
        self.records = Records(options.output, self.settings | drawn, plan.gallery_images)
        self.batch = options.batch or plan.minibatch
        self.computed = 0
        self._predictor: Predictor | None = None

    def __call__(self, sources: Sequence[Source], bar: tqdm) -> list[Found | str]:
        """Return the garments of each picture, or why it cannot be read."""
        outcomes: dict[Source, Found | str] = {}
        keys: dict[Source, str] = {}
        photos: dict[Source, Photo] = {}
        for source in sources:
            try:
                keys[source] = self.records.key(source)
                kept = self.records.get(source, keys[source]) if self.picture(source).is_file() else None
                if kept:
                    outcomes[source] = kept
                else:
                    photos[source] = read_photo(source.path)
            except UserError as error:
                outcomes[source] = problem = str(error)
                _print(problem)
        bar.update(len(outcomes))
        for source, found in zip(photos, self._found(list(photos.values())), strict=True):
            self._write(source, photos[source], found)
            self.records.put(source, keys[source], found)
            outcomes[source] = found
            self.computed += 1
            bar.update()
        return [outcomes[source] for source in sources]

    def picture(self, source: Source) -> Path:
        """Return the path of the drawn picture of a source."""
        name = source.name.with_name(f"{source.name.name}.{self.options.picture_format}")
        return self.options.output / "pictures" / name

    def _found(self, photos: list[Photo]) -> list[Found]:
        if not photos:
            return []
        if self._predictor is None:
            options, device = self.options, self.hardware.device
            self._predictor = Predictor.of_plan(self.plan, device, options.min_score, options.top)
        garments = self._predictor.of_photos(photos)
        return [Found(photo.size, each) for photo, each in zip(photos, garments, strict=True)]

    def _write(self, source: Source, photo: Photo, found: Found) -> None:
        picture = draw_garments(photo, found.garments, self.options.longer_edge)
        if any(garment.similar for garment in found.garments):
            picture = draw_similar(photo, found.garments, picture)
        picture = with_corner(picture, self.plan.runs)
        buffer = io.BytesIO()
        if self.options.picture_format == "png":
            picture.save(buffer, "PNG")
        else:
            picture.save(buffer, "JPEG", quality=92, subsampling=0)
        with atomic_write(self.picture(source)) as file:
            file.write(buffer.getvalue())
