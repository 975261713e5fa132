"""Nested values and their paths: `box/scale/small/AP` in metrics.json, `training.base_lr` in parameters."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def flatten(
    nested: Mapping[str, Any], separator: str = "/", is_leaf: Callable[[Any], bool] = lambda value: False
) -> dict[str, Any]:
    """Return the leaves of nested mappings by their paths, in order; an empty mapping has none.

    Args:
        nested: mappings of mappings.
        separator: between the keys of a path.
        is_leaf: mappings to keep whole; by default none.
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and not is_leaf(value):
            flat |= {f"{key}{separator}{rest}": leaf for rest, leaf in flatten(value, separator, is_leaf).items()}
        else:
            flat[str(key)] = value
    return flat


def nest(leaves: Iterable[tuple[str, Any]], separator: str = "/") -> dict[str, Any]:
    """Return nested mappings from paths and their leaves, in order: what `flatten` undoes."""
    nested: dict[str, Any] = {}
    for path, leaf in leaves:
        *folders, last = path.split(separator)
        inner = nested
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[last] = leaf
    return nested


def lookup(nested: Any, path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value at a path such as `box/scale/small/AP`; None where the path leads nowhere."""
    for key in path.split("/"):
        if not isinstance(nested, Mapping):
            return None
        nested = nested.get(key)
    return nested


def numbers(nested: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of metrics.json by their paths; cells without a number are left out."""
    return {path: float(value) for path, value in flatten(nested).items() if value is not None}
