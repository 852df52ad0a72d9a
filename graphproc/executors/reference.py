"""The numpy reference executor: what a program means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.program import Output, Program
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num

Array = np.ndarray[Any, Any]


def run(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run a program on one image.

    Args:
        program: a verified program.
        inputs: an array for each of the program's inputs, e.g. `{"image": uint8 [height, width, 3]}`.

    Returns:
        The outputs by name, without a batch axis.

    Raises:
        ImageError: an input is missing or its shape or dtype is not the declared one.
        ProgramError: the image's size does not meet a precondition.
    """
    sizes: dict[str, int] = {}
    for declared in program.inputs:
        if declared.name not in inputs:
            raise ImageError(f"{program.name}: expected an input {declared.name!r}, got {sorted(inputs)}")
        _measure(declared.name, declared.type, inputs[declared.name], sizes)
    bound = program.bind(**sizes)
    values = dict(inputs)
    for step in bound.steps:
        values[step.output.name] = step.op.numpy(*(values[name] for name in step.inputs))
    return {o.name: np.ascontiguousarray(values[o.value]) for o in bound.outputs}


def _measure(name: str, type: TensorType, array: Array, sizes: dict[str, int]) -> None:
    """Check an input against its type and read the symbols off its shape."""
    if array.dtype != DTYPES[type.dtype] or array.ndim != type.rank:
        raise ImageError(f"{name}: expected {type}, got {array.dtype}{list(array.shape)}")
    for want, have in zip(type.shape, array.shape, strict=True):
        if num.is_sym(want) and want.op == "symbol":
            sizes[want.args[0]] = have
        elif want != have:
            raise ImageError(f"{name}: expected {type}, got {array.dtype}{list(array.shape)}")
    if 0 in array.shape:
        raise ImageError(f"{name}: expected at least one pixel, got the shape {list(array.shape)}")


def join(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]]) -> dict[str, list[Array] | Array]:
    """Bring the results of several images together, each output in its stated way.

    Returns:
        By output name: a list of one array per image for `stack` and `pad` (padded to the largest, so that equal ranks
        stack), one array for `concatenate`.
    """
    joined: dict[str, list[Array] | Array] = {}
    for output in outputs:
        arrays = [result[output.name] for result in results]
        if output.batch == "concatenate":
            joined[output.name] = np.concatenate(arrays)
        elif output.batch == "pad":
            largest = np.max([a.shape for a in arrays], axis=0)
            joined[output.name] = [_padded(a, largest, output.pad_value) for a in arrays]
        else:
            joined[output.name] = arrays
    return joined


def _padded(array: Array, shape: Array, value: float) -> Array:
    widths = [(0, int(want - have)) for want, have in zip(shape, array.shape, strict=True)]
    return np.pad(array, widths, constant_values=value) if any(after for _, after in widths) else array
