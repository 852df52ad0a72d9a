"""Write the names of classes as a server reads them: one a line, in the order of an output's elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx_ir as ir

from graphproc.errors import ConfigError
from graphproc.fusion.sources import describe, dims

FILE_NAME = "labels.txt"


def lines(labels: Mapping[int, str]) -> bytes:
    """Return the file's content.

    Raises:
        ConfigError: the numbers are not 0, 1, 2, ..., or a name is not one line.
    """
    if sorted(labels) != list(range(len(labels))):
        raise ConfigError(f"labels: expected names for all of 0 to {len(labels) - 1}, got {sorted(labels)[:9]}")
    names = [labels[number] for number in range(len(labels))]
    for number, name in enumerate(names):
        if name.splitlines() not in ([], [name]):
            raise ConfigError(f"labels: expected one line for class {number}, got {name!r}")
    return "".join(f"{name}\n" for name in names).encode()


def scored(outputs: Iterable[ir.Value], count: int) -> list[str]:
    """Return the names of the outputs that have a score for each class: [classes], or [batch, classes].

    Raises:
        ConfigError: there is none.
    """
    outputs = list(outputs)
    found = [str(value.name) for value in outputs if (axes := dims(value)) and len(axes) <= 2 and axes[-1] == count]
    if not found:
        shown = ", ".join(map(describe, outputs))
        raise ConfigError(f"labels: expected an output with a score for each of {count} classes, found {shown}")
    return found
