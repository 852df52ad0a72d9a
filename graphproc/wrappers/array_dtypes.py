"""Images that no graph takes: other dtypes than bytes and other numbers of channels, on the numpy executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.configs.config import Config
from graphproc.errors import ConfigError, ImageError, ShapeError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.processors.constants import NEAREST
from graphproc.processors.row import Row
from graphproc.wrappers.arrays import as_bytes

Array = np.ndarray[Any, Any]
Compile = Callable[..., Program]
"""Makes the program for the image's channels; takes options of `Row.program`."""
NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""The IR's names of numpy's dtypes."""


def run_array(
    row: Row, backend: str, config: Config, compiled: Compile, array: Array, further: Mapping[str, Array]
) -> Mapping[str, Array]:
    """One image of any dtype and channel count on the numpy executor.

    Raises:
        ImageError: transformers would not take the image, or this package does not.
    """
    channels = array.shape[-1]
    options: dict[str, Any] = {}
    if backend != "pil" and array.dtype != np.uint8:
        if array.dtype not in NAMES:
            raise ImageError(f"image of dtype {array.dtype}: expected one of {', '.join(map(str, NAMES))}. Convert the image.")
        options["dtype"] = NAMES[array.dtype]
    try:
        program = compiled(**options)
    except (ConfigError, ShapeError) as error:
        if "dtype" not in options:
            raise
        raise ImageError(
            f"image of dtype {array.dtype}: {row.name} does not take it here, with these settings ({error})"
        ) from None
    names = [step.op.name for step in program.steps]
    if backend != "pil":
        array = array if array.flags.writeable else array.copy()  # results may share its memory
        return reference.run(program, {"image": array, **further})
    if "resize" in names and channels not in (1, 3) and not (config.resample == NEAREST and channels in (2, 4)):
        raise ImageError(
            f"image of {channels} channels: expected 1 or 3 where images are resized; Pillow would take another channel "
            "for alpha and weight the colours by it. Convert the image to RGB, or set do_convert_rgb."
        )
    array = array if array.flags.writeable else array.copy()  # results may share its memory
    if array.dtype == np.uint8:
        return reference.run(program, {"image": array, **further})
    if "resize" in names:
        pixels, unit = as_bytes(array)
        program = compiled(unit_scale=True, **options) if unit else program
        return reference.run(program, {"image": pixels, **further})
    dtype = _working_dtype(array.dtype, names)
    program = compiled(dtype=dtype, **options)
    outputs = reference.run(program, {"image": array.astype(DTYPES[dtype]), **further})
    moved = set() if {"rescale", "normalize"} & set(names) else _pixels(program)
    return {name: value.astype(array.dtype) if name in moved else value for name, value in outputs.items()}


def _pixels(program: Program) -> set[str]:
    """The names of the outputs that are the image's pixels in its own dtype, moved about; sizes and masks are not."""
    moved = {program.inputs[0].name}
    for step in program.steps:
        if moved.intersection(step.inputs) and step.output.type.dtype == program.inputs[0].type.dtype:
            moved.add(step.output.name)
    return {output.name for output in program.outputs if output.value in moved}


def _working_dtype(dtype: np.dtype[Any], steps: Sequence[str]) -> str:
    """The IR dtype in which an image that is not resized goes through the steps without losing bits.

    Raises:
        ImageError: the reference would normalize in the image's own dtype, and that is not float32.
    """
    if "rescale" in steps:  # which multiplies in float64, whatever it is given
        return "f64"
    if "standardize" in steps and dtype != np.float32:
        raise ImageError(f"image of dtype {dtype}: expected uint8 or float32 to standardize. Cast the image.")
    if not {"normalize", "standardize"} & set(steps):
        return "f64" if dtype.kind == "f" else "i64"
    if dtype.kind == "f" and dtype != np.float32:
        raise ImageError(f"image of dtype {dtype}: expected float32 or integers to normalize without rescaling. Cast the image.")
    return "f32"
