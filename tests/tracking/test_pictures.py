"""MLflow's pictures show what the report's galleries show: truth and prediction, or the query and what it found."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matchrcnn.project import Project
from matchrcnn.reporting.gallery.galleries import Galleries
from matchrcnn.tasks import TASKS
from matchrcnn.tracking.pictures import CAPTION, COUNT, FRAME, GAP, HIT, MISS, gallery_pictures
from matchrcnn.tracking.sync import Picture
from tests.support.galleries import write_project

KEYS = ["gallery/best"] * 4 + ["gallery/worst"] * 4 + ["gallery/random"] * 4


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> Galleries:
    return Galleries(write_project(tmp_path_factory.mktemp("project"), 120, {task: task for task in TASKS}))


def drawn(galleries: Galleries, name: str) -> list[Picture]:
    pictures = list(gallery_pictures(galleries, galleries.project.run(name)))
    assert [picture.key for picture in pictures] == KEYS
    assert [picture.step for picture in pictures] == [1, 2, 3, 4] * 3
    return pictures


def part(sheet: Image.Image, x: int, image: Image.Image, y: int = CAPTION) -> bool:
    """Whether a sheet holds an image at a place."""
    return np.array_equal(sheet.crop((x, y, x + image.width, y + image.height)), image)


@pytest.mark.parametrize("name", [task for task in TASKS if TASKS[task].by_category])
def test_truth_comes_first_then_the_prediction(galleries: Galleries, name: str) -> None:
    found = galleries.detected(galleries.project.run(name), COUNT)
    assert found is not None
    for picture, shown in zip(drawn(galleries, name), found.pictures, strict=True):
        assert part(picture.image, 0, shown.truth)
        assert part(picture.image, shown.truth.width + GAP, shown.prediction)


def test_the_query_comes_first_then_what_was_retrieved_hits_in_green(galleries: Galleries) -> None:
    found = galleries.retrieved(galleries.project.run("retrieval"), COUNT)
    assert found is not None
    for picture, row in zip(drawn(galleries, "retrieval"), found.pictures, strict=True):
        assert part(picture.image, FRAME, row.query.picture, CAPTION + FRAME)
        colors = frames(picture.image)
        assert colors == [HIT if crop.hit else MISS for crop in row.crops]
        last = row.crops[-1].picture
        left = picture.image.width - GAP - FRAME - last.width
        assert part(picture.image, left, last, CAPTION + FRAME)
    assert any(crop.hit for row in found.pictures for crop in row.crops)


def frames(sheet: Image.Image) -> list[str]:
    """Colours of the frames in a sheet, from left to right: those of the query and of what is around are white."""
    line = [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in np.asarray(sheet)[CAPTION + 1].tolist()]
    return [now for before, now in zip(["#FFFFFF", *line], line, strict=False) if now != before and now != "#FFFFFF"]


def test_a_run_without_results_has_no_pictures(tmp_path: Path) -> None:
    project: Project = write_project(tmp_path, 3, {"detection": "detection"})
    project.run("detection").result_file("boxes").unlink()
    assert list(gallery_pictures(Galleries(project), project.run("detection"))) == []
