"""Parameters of several versions next to each other, as their files state them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from matchrcnn.errors import UserError
from matchrcnn.paths import flatten

Flat = dict[str, str]
"""Parameters as `section.key` -> value as text."""


def read_params(path: Path) -> Flat:
    """The parameters of a file, flat and unchecked: another version's schema is not ours to judge; none: empty.

    Raises:
        UserError: the file is not YAML.
    """
    try:
        values = yaml.safe_load(path.read_text()) if path.is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    return _flat(values) if isinstance(values, Mapping) else {}


def of_run(params: Flat, run: str) -> Flat:
    """A project's parameters as those of one run: shared sections, overridden by its own."""
    own = re.compile(rf"runs\.{re.escape(run)}\.(.+)")
    shared = {key: value for key, value in params.items() if not key.startswith(("runs.", "check."))}
    return shared | {match[1]: value for key, value in params.items() if (match := own.fullmatch(key))}


def changed(versions: Sequence[Flat]) -> list[tuple[str, list[str | None]]]:
    """Keys whose values differ, sorted, with the value of each version; None where it lacks the key."""
    keys = sorted(set().union(*versions))
    values = [(key, [version.get(key) for version in versions]) for key in keys]
    return [(key, own) for key, own in values if len(set(own)) > 1]


def _flat(nested: Mapping[str, Any]) -> Flat:
    """Values as text by their keys; a mapping without keys is a value."""
    flat = flatten(nested, ".", is_leaf=lambda value: not value)
    return {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in flat.items()}
