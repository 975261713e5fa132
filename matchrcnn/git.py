"""What git knows of a folder; neither work tree nor index is touched."""

import subprocess
from pathlib import Path

from matchrcnn.errors import UserError


def git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints; None when it fails, as outside of a repository.

    Raises:
        UserError: git is not installed.
    """
    try:
        return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise UserError("git: not installed; revisions and experiments need it, folders do not") from None
    except subprocess.CalledProcessError:
        return None
