"""The numpy reference executor: what a program means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.program import Join, Output, Program
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
    memo: dict[num.Sym, Any] = {}
    program.check(sizes, memo)
    values = dict(inputs)
    for step in program.steps:
        result = step.op.bind(sizes, memo).numpy(*(values[name] for name in step.inputs))
        values[step.output.name] = result
        if step.measures:
            sizes.update(zip(step.measures, result.tolist(), strict=True))
            program.check(sizes, memo)
    return {o.name: np.asarray(values[o.value], order="C") for o in program.outputs}


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


def join(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]], counts: Sequence[int] = ()) -> dict[str, Any]:
    """Bring the results of several images together, each output in its stated way.

    Args:
        outputs: the program's outputs.
        results: the outputs of each image.
        counts: for outputs of samples, how many of the images belong to each sample, in order.

    Returns:
        By output name: a list of one array per image or sample for `stack` and `pad` (padded to the largest, so that
        equal ranks stack), one array for `concatenate` and `largest`, nested lists of numbers for a listed output.
    """
    joined: dict[str, Any] = {}
    for output in outputs:
        arrays = [result[output.name] for result in results]
        if output.sample is not None:
            ends = np.cumsum(counts)
            arrays = [
                np.asarray(_joined(output.sample, arrays[end - count : end], output))
                for count, end in zip(counts, ends, strict=True)
            ]
        value = _joined(output.batch, arrays, output)
        joined[output.name] = np.asarray(value).tolist() if output.listed else value
    return joined


def batch(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The results of several images, which are one sample where images make samples, as a graph returns them."""
    joined = join([replace(output, listed=False) for output in outputs], results, [len(results)])
    return {name: np.stack(value) if isinstance(value, list) else value for name, value in joined.items()}


def of_one(output: Output, array: Array) -> Array:
    """One image's own result from what a graph returned for that image alone."""
    nested = output.sample is not None and output.batch != "concatenate"
    axes = int(nested) + int(output.join in ("stack", "pad"))
    return array[(0,) * axes] if axes else array


def _joined(how: Join, arrays: Sequence[Array], output: Output) -> list[Array] | Array:
    if how == "concatenate":
        return np.concatenate(arrays)
    if how == "largest":
        return np.asarray(np.max(np.stack(arrays)))
    if how == "pad":
        largest = np.max([a.shape for a in arrays], axis=0)
        return [_padded(a, largest, output.pad_value) for a in arrays]
    return list(arrays)


def _padded(array: Array, shape: Array, value: float) -> Array:
    widths = [(0, int(want - have)) for want, have in zip(shape, array.shape, strict=True)]
    return np.pad(array, widths, constant_values=value) if any(after for _, after in widths) else array
