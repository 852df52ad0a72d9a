"""Read what a graph says of itself in its metadata.

Keys have the prefix `graphproc.` in the file and lack it here. Some entries are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from graphproc.errors import GraphError

JsonType = TypeVar("JsonType", dict[str, Any], list[str])


def entry(metadata: Mapping[str, str], key: str, kind: type[JsonType]) -> JsonType:
    """Return the value of an entry that is JSON, or an empty one if the graph has no such entry.

    Args:
        metadata: the description, by keys without prefix.
        key: the entry's key.
        kind: the type that the value must have, `dict` or `list`.

    Raises:
        GraphError: the entry is not JSON of that type, so something else than graphproc wrote it.
    """
    if key not in metadata:
        return kind()
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        wanted = {dict: "an object", list: "a list"}[kind]
        raise GraphError(
            f"graph: expected {wanted} in JSON in its metadata as graphproc.{key}, got {metadata[key][:60]!r}. Export it again."
        )
    return value


def describes(metadata: Mapping[str, str]) -> bool:
    """Return whether a graph says what it was emitted from: a processor's settings, or a program."""
    return bool(metadata.keys() & {"config", "program"})


def settings_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the processor settings that a graph was compiled from.

    Raises:
        GraphError: graphproc did not write the graph.
    """
    if "config" not in metadata:
        raise GraphError("graph: it has no graphproc.config entry, so it was not written by graphproc")
    return entry(metadata, "config", dict)
