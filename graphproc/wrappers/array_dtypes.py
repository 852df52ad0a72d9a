"""Run images that no graph takes, of other dtypes or numbers of channels, on the numpy executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.batch_feature import TensorType, tensor_type_of
from graphproc.configs.config import Config
from graphproc.errors import ConfigError, ImageError, ShapeError
from graphproc.executors import any_values, reference
from graphproc.ir.backends import PIL
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.numerics.as_bytes import as_bytes
from graphproc.processors.spec import ProcessorSpec
from graphproc.wrappers.images import flatten_images

Array = np.ndarray[Any, Any]
Compile = Callable[..., Program]
"""Compiles the program for an image; takes options of `ProcessorSpec.program`."""
NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""The IR's names of element types by numpy's dtypes."""


def graph_takes(spec: ProcessorSpec, array: Array, extra_inputs: Mapping[str, Array]) -> bool:
    """Tell whether an image and its extra inputs have the types of the class's graph."""
    declared = all(rows.dtype == DTYPES[spec.extra_inputs[name].dtype] for name, rows in extra_inputs.items())
    return array.dtype == np.uint8 and array.shape[-1] == 3 and declared


def check_for_bytes(images: Any) -> None:
    """Refuse images that timm does not process by the bytes that an array of them holds.

    Raises:
        ImageError: `images` is a torch tensor, or one of them is a PIL image of mode LAB.
    """
    if tensor_type_of(images) is TensorType.PYTORCH:
        raise ImageError("images: expected PIL images or arrays, got a torch tensor, which timm resizes as floats. Use .numpy().")
    if any(getattr(image, "mode", "") == "LAB" for image in flatten_images(images)):
        raise ImageError(
            "images: expected PIL images of modes other than LAB, where Pillow resizes other bytes than arrays hold. "
            "Convert the image to RGB."
        )


def program_options(spec: ProcessorSpec, backend: str, array: Array) -> dict[str, Any]:
    """Return the options of `ProcessorSpec.program` for an image; none for one of three channels of bytes.

    Programs of the pil backend are compiled for bytes, and take images of any values (`executors/any_values.py`).

    Raises:
        ImageError: torch would not take the image.
    """
    options: dict[str, Any] = {} if array.shape[-1] == 3 else {"channels": array.shape[-1]}
    if backend == PIL or spec.reads == "bytes" or array.dtype == np.uint8:
        return options
    if array.dtype not in NAMES:
        raise ImageError(f"image of dtype {array.dtype}: expected one of {', '.join(map(str, NAMES))}. Convert the image.")
    return {**options, "dtype": NAMES[array.dtype]}


def run_array(
    spec: ProcessorSpec, backend: str, config: Config, compiled: Compile, array: Array, extra_inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """Run one image of any dtype and number of channels on the numpy executor; return the outputs by name.

    Raises:
        ImageError: the image cannot be processed, by transformers or by this package.
    """
    if spec.reads == "bytes":
        array = as_bytes(array)[0]
    options = program_options(spec, backend, array)
    types = {name: rows.dtype for name, rows in extra_inputs.items() if rows.dtype != DTYPES[spec.extra_inputs[name].dtype]}
    if unknown := set(types.values()) - set(NAMES):
        types_known = ", ".join(map(str, NAMES))
        raise ImageError(f"{spec.name}: expected an extra input of {types_known}, got {unknown.pop()}. Convert it.")
    if backend != PIL and types:
        options["types"] = {name: NAMES[dtype] for name, dtype in types.items()}
    try:
        program = compiled(**options)
    except (ConfigError, ShapeError) as error:
        if "dtype" not in options:
            raise
        raise ImageError(
            f"image of dtype {array.dtype}: {spec.name} does not take it here, with these settings ({error})"
        ) from None
    array = array if array.flags.writeable else array.copy()  # results may share its memory
    inputs = {"image": array, **extra_inputs}
    declared = all(inputs[one.name].dtype == DTYPES[one.type.dtype] for one in program.inputs) and array.shape[-1] in (1, 3)
    execute = reference.run if declared or backend != PIL else any_values.run
    return execute(program, inputs)
