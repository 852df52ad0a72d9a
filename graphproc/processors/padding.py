"""Pad as torchvision's `pad` does: its fill values of each type of pixels, and the limits of its modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import DTYPES, FLOATS
from graphproc.ops import Pad
from graphproc.sizes.num import Num

Box = tuple[Num, Num, Num, Num]
"""Where an image lies on its canvas: the rows above it, the columns left of it, the canvas's height and width."""
MODES = ("reflect", "edge", "symmetric")
"""The modes that pad with the image's own pixels."""


def padded(b: ProgramBuilder, x: Value, box: Box, value: Any = 0, mode: Any = "constant") -> Value:
    """Put an image on a canvas that is at least as large.

    Args:
        b: the builder.
        x: the image, of any type.
        box: where it lies on the canvas.
        value: what a constant padding is made of: a number, which whole numbers of pixels truncate, or a
            list with one for each channel, which they wrap around. None stands for 0.
        mode: `constant`, or one of `MODES`.

    Raises:
        ConfigError: torchvision has no such mode, or pixels cannot have the value.
    """
    top, left, height, width = box
    rows, columns = x.type.size("H"), x.type.size("W")
    if isinstance(rows, int) and isinstance(columns, int) and (rows, columns) == (height, width):
        return x
    for name, side, before, limit in (("height", rows, top, height), ("width", columns, left, width)):
        b.require(side <= limit, f"the image's {name} is larger than the {limit} that it is padded to. Resize it.")
        if mode in ("reflect", "symmetric"):
            most = side - 1 if mode == "reflect" else side
            for pixels in (before, limit - before - side):
                b.require(pixels <= most, f"the image's {name} is too small to be mirrored that far. Resize it.")
    if mode in MODES:
        return b.add(Pad.canvas(*box, mode=mode), x)
    if mode != "constant":
        raise ConfigError(f"padding: expected the mode constant, {', '.join(MODES)}, got {mode!r}")
    return b.add(Pad.canvas(*box, _filled(value, x)), x)


def _filled(value: Any, x: Value) -> float | tuple[float, ...]:
    """Return what pixels of the padding are: a number, or one for each channel."""
    given: tuple[float, ...] = tuple(value) if isinstance(value, (list, tuple)) else (0 if value is None else value,)
    if not all(isinstance(number, (int, float)) for number in given) or len(given) not in (1, x.type.channels):
        raise ConfigError(f"padding: expected a number, or one for each of the {x.type.channels} channels, got {value!r}")
    if len(given) > 1:
        return tuple(np.asarray(given).astype(DTYPES[x.dtype]).tolist())
    if x.dtype in FLOATS:
        return given[0]
    if x.dtype == "bool":
        return bool(given[0])
    limits = np.iinfo(DTYPES[x.dtype])
    if not limits.min <= given[0] <= limits.max:
        raise ConfigError(f"padding: expected a number that {x.dtype} pixels can have, got {given[0]!r}")
    return int(given[0])
