"""Where a run's numbers come from: code, machine, data, weights, and what its parameters change in the preset."""

from collections.abc import Mapping
from typing import Any

from matchrcnn.config import Params, RunParams
from matchrcnn.paths import flatten
from matchrcnn.project import Run
from matchrcnn.reporting.tables.table import NOTHING

UNKNOWN = "not recorded on this machine"
Change = tuple[str, str, str]
"""Key, the preset's value, the active one."""


def origin(run: Run) -> list[tuple[str, str]]:
    """Return what is known about how a run was made, (name, value); the first five from the machine that trained it."""
    known = run.provenance
    versions = ", ".join(f"{name} {version}" for name, version in known.get("versions", {}).items())
    dirty = " with local changes" if known.get("dirty") else ""
    results = run.protocol.get("results", {})
    return [
        ("commit", f"{known['commit'][:12]}{dirty}" if known else UNKNOWN),
        ("trained", known.get("started", NOTHING)),
        ("wall time", duration(known["wall_s"]) if known else NOTHING),
        ("hardware", known.get("hardware", NOTHING)),
        ("versions", versions or NOTHING),
        ("weights, sha256", _short(run.weights_digest)),
        ("annotations, sha256", _short(run.protocol.get("annotations"))),
        ("results, sha256", ", ".join(f"{name} {_short(digest)}" for name, digest in results.items()) or NOTHING),
    ]


def duration(seconds: float) -> str:
    """Seconds in words: 6 min 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def changes(preset: Params, active: Params) -> list[Change]:
    """List what the active parameters change in their preset, in order of the keys."""
    return _differences(preset.model_dump(mode="json"), active.model_dump(mode="json"))


def run_changes(preset: Params, run: Run) -> list[Change] | None:
    """List what the recorded configuration of a run's model changes in its preset; None where there is none.

    A run that the preset lacks is compared with the preset's shared sections.
    """
    if not run.config:
        return None
    known = preset
    if run.name not in preset.runs:
        own = RunParams(task=run.config["task"], schedule=run.config["schedule"], init_from=run.config["init_from"])
        known = preset.model_copy(update={"runs": {run.name: own}})
    return _differences(known.run(run.name).model_dump(mode="json"), run.config)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    old, new = _flat(before), _flat(after)
    return [
        (key, old.get(key, NOTHING), new.get(key, NOTHING))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _flat(nested: Mapping[str, Any]) -> dict[str, str]:
    """Values as text by their keys; a mapping without keys is a value."""
    return {key: str(value) for key, value in flatten(nested, ".", is_leaf=lambda value: not value).items()}


def _short(digest: object) -> str:
    return str(digest)[:12] if digest else NOTHING
