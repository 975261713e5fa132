"""Pictures in folders."""

from pathlib import Path

from matchrcnn.errors import UserError

_READ = "jpg jpeg jpe jfif mpo png webp gif bmp tif tiff avif jp2"
_NOT_READ = "heic heif"  # a user who has them should hear of it
SUFFIXES = frozenset(f".{name}" for name in f"{_READ} {_NOT_READ}".split())


def pictures_in(folder: Path, without: Path | None = None) -> list[Path]:
    """Return the files with a suffix of pictures in a folder and the folders below it, in order of their paths.

    Hidden files and folders (`.thumbnails`, `._IMG.jpg`) are left out, links to folders are not followed.

    Args:
        folder: where to look.
        without: a folder whose files are left out.

    Raises:
        UserError: there is no such folder, or it holds no picture.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if without is not None:
        files = [path for path in files if without.resolve() not in path.resolve().parents]
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        raise UserError(f"{folder}: no pictures ({', '.join(sorted(SUFFIXES))}) in it or below")
    return files
