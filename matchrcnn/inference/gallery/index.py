"""A gallery index: the garments that a retrieval run found in a folder of pictures, kept in a separate folder.

index.json names the pictures' folder and the model; each part-NNNNN.safetensors holds the garments of some pictures.
A part is written whole, so that an interrupted build resumes with the pictures that no part holds.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from matchrcnn.config import HardwareParams, ModelParams
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.records import Minibatch
from matchrcnn.errors import UserError
from matchrcnn.files import read_json, write_json
from matchrcnn.inference.network import Network, weights_digest
from matchrcnn.inference.photos.files import pictures_in
from matchrcnn.inference.photos.inputs import model_input
from matchrcnn.inference.photos.reading import read_photo
from matchrcnn.retrieval.features import Features, joined, read_features, write_features
from matchrcnn.tasks import DETECTED, EMBEDDINGS

HEAD = "index.json"
PICTURES_A_PART = 512

Stamp = tuple[str, int, int]
"""A picture's name below its folder, its size in bytes and its time of change; the same stamp is not indexed again."""


@dataclass(frozen=True, eq=False)
class Index:
    """The garments of a folder of pictures.

    Attributes:
        images: the folder of pictures.
        model: SHA-256 of the weights that the features come from.
        files: names of the pictures below the folder.
        features: all garments; `image_ids` are places in `files`.
    """

    images: Path
    model: str
    files: tuple[str, ...]
    features: Features


def is_index(folder: Path) -> bool:
    """Return whether a folder is an index, finished or not."""
    return (folder / HEAD).is_file()


def built_with(index: Path) -> str:
    """Return the SHA-256 of the weights that an index was built with.

    Raises:
        UserError: the folder is no index.
    """
    if not is_index(index):
        raise UserError(f"{index}: no {HEAD}; give the folder of an index, or a folder of pictures to build one from")
    return str(read_json(index / HEAD)["model"])


def index_images(index: Path) -> Path:
    """Return the folder of an index's pictures.

    Raises:
        UserError: the folder is no index.
    """
    built_with(index)
    return index / str(read_json(index / HEAD)["images"])


def index_digest(index: Path) -> str:
    """Digest of the index's current contents."""
    parts = [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in _parts(index)]
    return hashlib.sha256(f"{built_with(index)} {parts}".encode()).hexdigest()


def build_index(images: Path, index: Path, model: Path, hardware: HardwareParams) -> list[str]:
    """Index the pictures of a folder and those below it; what an earlier call indexed is kept.

    Args:
        images: folder of pictures.
        index: folder of the index, made where it is missing.
        model: a trained retrieval run, `models/RUN`.
        hardware: device and loader workers.

    Returns:
        Names of the pictures that could not be read.

    Raises:
        UserError: there are no pictures, or the index is of another folder or model.
    """
    pictures = _pictures(images)
    _begin(images, index, weights_digest(model))
    done = {stamp for part in _parts(index) for stamp in _stamps(part)}
    todo = [stamp for stamp in pictures if stamp not in done]
    if not todo:
        return []
    network, unreadable = Network.load(model, hardware.device), []
    network.limit([EMBEDDINGS])
    free = count(len(_parts(index)))
    with tqdm(total=len(pictures), initial=len(pictures) - len(todo), desc=f"index {images.name}", unit="image") as bar:
        for start in range(0, len(todo), PICTURES_A_PART):
            chunk = todo[start : start + PICTURES_A_PART]
            features, broken = _found(network, images, chunk, hardware.loader_workers, bar)
            _write_part(index / f"part-{next(free):05d}.safetensors", features, chunk)
            unreadable += broken
    return unreadable


def load_index(index: Path) -> Index:
    """Read an index; of a picture that was indexed twice the later features count, a picture that is gone is left out.

    Raises:
        UserError: the folder is no index, or a part of it is damaged.
    """
    model, images = built_with(index), index_images(index)
    latest = {stamp[0]: number for number, part in enumerate(_parts(index)) for stamp in _stamps(part)}
    files = tuple(sorted(name for name in latest if (images / name).is_file()))
    place = {name: position for position, name in enumerate(files)}
    features = []
    for number, part in enumerate(_parts(index)):
        own = [place.get(stamp[0], -1) if latest[stamp[0]] == number else -1 for stamp in _stamps(part)]
        content = read_features(part)
        places = np.array(own, np.int64)[content.image_ids]
        features.append(content.of_images(places)[places >= 0])
    if not features:
        raise UserError(f"{index}: holds no picture; build it with `matchrcnn search --gallery FOLDER`")
    return Index(images, model, files, joined(features))


def _found(
    network: Network, images: Path, stamps: Sequence[Stamp], workers: int, bar: tqdm
) -> tuple[Features, list[str]]:
    """Garments with `image_ids` as places in `stamps`, and the names of pictures that cannot be read."""
    entries = [{"file_name": str(images / name), "image_id": place} for place, (name, *_) in enumerate(stamps)]
    reader = _Reader(network.run.model)
    loader = inference_loader(entries, reader, network.run.inference.minibatch, workers)
    parts, seen = [Features.empty(network.embedding)], set()
    for batch in _of_one_size(loader, bar):
        for detected in network.detect(batch):
            parts.append(detected.regions[DETECTED])
            seen.add(detected.image_id)
    return joined(parts), [name for place, (name, *_) in enumerate(stamps) if place not in seen]


class _Reader:
    """Map a picture to the model's input as people see it, upright; an unreadable picture to an empty dict."""

    def __init__(self, model: ModelParams) -> None:
        self.model = model

    def __call__(self, entry: dict[str, Any]) -> dict[str, Any]:
        try:
            return {**model_input(read_photo(entry["file_name"]), self.model), "image_id": entry["image_id"]}
        except UserError:
            return {}


def _of_one_size(loader: Iterable[Minibatch], bar: tqdm) -> Iterator[Minibatch]:
    """Minibatches without unreadable pictures, of one size each: the garments of a picture depend on no other."""
    for batch in loader:
        bar.update(len(batch))
        of_size: dict[tuple[int, ...], Minibatch] = defaultdict(list)
        for entry in filter(None, batch):
            of_size[tuple(entry["image"].shape)].append(entry)
        yield from of_size.values()


def _pictures(images: Path) -> list[Stamp]:
    files = pictures_in(images)
    stats = [path.stat() for path in files]
    names = [path.relative_to(images).as_posix() for path in files]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in zip(names, stats, strict=True)]


def _begin(images: Path, index: Path, model: str) -> None:
    """Write the head of a new index, or check that of one that is there."""
    head = {"images": os.path.relpath(images.resolve(), index.resolve()), "model": model}
    if not is_index(index):
        write_json(index / HEAD, head, indent=True)
        return
    for key, meaning in (("images", "another folder of pictures"), ("model", "another model")):
        if read_json(index / HEAD)[key] != head[key]:
            raise UserError(f"{index}: was built from {meaning}; name another --index, or delete this one")


def _parts(index: Path) -> list[Path]:
    return sorted(index.glob("part-*.safetensors"))


def _write_part(path: Path, features: Features, stamps: Sequence[Stamp]) -> None:
    write_features(path, features, {"pictures": json.dumps(stamps)})


def _stamps(part: Path) -> list[Stamp]:
    try:
        with safe_open(part, framework="numpy") as file:
            return [(name, size, time) for name, size, time in json.loads(file.metadata()["pictures"])]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{part}: damaged ({error}); delete it, its pictures will be indexed again") from None
