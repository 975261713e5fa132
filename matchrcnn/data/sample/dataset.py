"""Writes the sample data set: whole or not at all, over several processes, the same bytes whatever their number."""

import functools
import io
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson
from tqdm import tqdm

from matchrcnn.config import SampleParams
from matchrcnn.data.marker import FIRST_LINE, README, is_sample
from matchrcnn.data.sample.annotate import annotate
from matchrcnn.data.sample.identities import SPLITS
from matchrcnn.data.sample.plan import ImagePlan, plan_split
from matchrcnn.data.sample.quirks import UNREADABLE
from matchrcnn.data.sample.scene import draw
from matchrcnn.errors import UserError

JPEG_QUALITY = 90


def write_sample(root: Path, params: SampleParams, workers: int = 2) -> None:
    """Write a data set in DeepFashion2's layout: root/{train,validation}/{image/000001.jpg,annos/000001.json}.

    An earlier sample data set at `root` is replaced once the new one is complete.

    Args:
        root: folder to write.
        params: seed and sizes; they alone decide every byte.
        workers: processes to draw with.

    Raises:
        UserError: there is something else at `root`.
    """
    plans = [plan for split in SPLITS for plan in plan_split(params.seed, split, getattr(params, f"{split}_images"))]
    with _replacing(root) as folder:
        for split in SPLITS:
            for kind in ("image", "annos"):
                (folder / split / kind).mkdir(parents=True)
        (folder / README).write_text(f"{FIRST_LINE}\n\n{params.model_dump_json()}\n")
        work = functools.partial(_write_image, folder, params.seed)
        for _ in tqdm(_mapped(work, plans, workers), total=len(plans), desc="sample data", unit="image"):
            pass


def _mapped(work: functools.partial[None], plans: list[ImagePlan], workers: int) -> Iterator[None]:
    if workers <= 1:
        yield from map(work, plans)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, plans, chunksize=16)


def _write_image(folder: Path, seed: int, plan: ImagePlan) -> None:
    scene = draw(seed, plan)
    annotation = annotate(seed, scene, plan)
    file = io.BytesIO()
    scene.picture.save(file, "JPEG", quality=JPEG_QUALITY)
    jpeg = file.getvalue()
    if plan.quirk == UNREADABLE:
        jpeg = jpeg[: len(jpeg) // 3]
    (folder / plan.split / "image" / f"{plan.number:06}.jpg").write_bytes(jpeg)
    (folder / plan.split / "annos" / f"{plan.number:06}.json").write_bytes(orjson.dumps(annotation))


@contextmanager
def _replacing(root: Path) -> Iterator[Path]:
    """A folder beside `root` that takes its place when the block ends without an error, and vanishes otherwise."""
    _refuse_foreign(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}.") as name:
        fresh, old = Path(name) / "new", Path(name) / "old"
        fresh.mkdir()
        yield fresh
        if root.exists():
            root.rename(old)
        fresh.rename(root)


def _refuse_foreign(root: Path) -> None:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return
    if not is_sample(root):
        raise UserError(f"{root}: holds something that is not sample data; name another folder or move this one away")
