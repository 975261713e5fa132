"""Garments of each picture, kept with the output, so that a second call computes only new or changed pictures."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from matchrcnn.errors import UserError
from matchrcnn.files import read_json, sha256, write_json
from matchrcnn.inference.photos.garment import Garment, as_json, from_json
from matchrcnn.inference.photos.sources import Source

FOLDER = ".records"
FORM = 1
"""Version of a record; a record of another version is computed again."""


@dataclass(frozen=True, eq=False)
class Found:
    """A picture's garments.

    Attributes:
        size: width and height of the upright picture, pixels.
    """

    size: tuple[int, int]
    garments: list[Garment]


class Records:
    """A folder with a JSON file for each picture.

    A record is valid while the picture's bytes, the weights and the settings are those that it was made with.
    """

    def __init__(self, output: Path, settings: Mapping[str, object], gallery: Path | None) -> None:
        self.output, self.gallery = output, gallery
        self._settings = orjson.dumps({**settings, "form": FORM}, option=orjson.OPT_SORT_KEYS)

    def key(self, source: Source) -> str:
        """Return the cache key: SHA-256 of the photo, its name and the settings.

        Raises:
            UserError: the picture cannot be read.
        """
        try:
            content = sha256(source.path)
        except FileNotFoundError:
            raise UserError(f"{source.path}: no such file") from None
        except OSError as error:
            raise UserError(f"{source.path}: cannot be read ({error.strerror})") from None
        return hashlib.sha256(f"{content}\n{source.name}\n".encode(errors="replace") + self._settings).hexdigest()

    def get(self, source: Source, key: str) -> Found | None:
        """Return the record of a key; None where there is none, or where it is damaged."""
        try:
            value = read_json(self._path(source))
            if value["key"] != key:
                return None
            garments = [from_json(each, self.gallery) for each in value["garments"]]
            return Found((value["width"], value["height"]), garments)
        except (UserError, KeyError, TypeError, ValueError):
            return None

    def put(self, source: Source, key: str, found: Found) -> None:
        """Keep the garments of a picture; call it last, when everything else of the picture is written."""
        width, height = found.size
        garments = [as_json(each, self.gallery) for each in found.garments]
        write_json(self._path(source), {"key": key, "width": width, "height": height, "garments": garments})

    def _path(self, source: Source) -> Path:
        return self.output / FOLDER / source.name.with_name(f"{source.name.name}.json")
