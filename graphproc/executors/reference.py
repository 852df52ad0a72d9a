"""The numpy reference executor: what a program means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphproc.errors import ImageError, ShapeError
from graphproc.ir.program import Join, Output, Program, Step
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num

Array = np.ndarray[Any, Any]


Made = Callable[[Step, Array], Array]
"""What is done with a step's result before later steps read it."""


def run(program: Program, inputs: Mapping[str, Array], made: Made | None = None) -> dict[str, Array]:
    """Run a program on one image.

    Args:
        program: a verified program.
        inputs: an array for each of the program's inputs, e.g. `{"image": uint8 [height, width, 3]}`; only those of stacked
            programs may be without elements.
        made: what is done with each step's result; None for nothing.

    Returns:
        The outputs by name, without a batch axis.

    Raises:
        ImageError: an input is missing or its shape or dtype is not the declared one.
        ProgramError: the image's size does not meet a precondition.
    """
    sizes = measure(program, inputs)
    memo: dict[num.Sym, Any] = {}
    program.check(sizes, memo)
    values = dict(inputs)
    for step in program.steps:
        result = step.op.bind(sizes, memo).numpy(*(values[name] for name in step.inputs))
        result = result if made is None else made(step, result)
        values[step.output.name] = result
        if step.measures:
            sizes.update(zip(step.measures, result.tolist(), strict=True))
            program.check(sizes, memo)
    return {o.name: np.asarray(values[o.value], order="C") for o in program.outputs}


def measure(program: Program, inputs: Mapping[str, Array]) -> dict[str, int]:
    """The sizes that inputs have, by the program's symbols.

    Args:
        program: a verified program.
        inputs: an array for each of the program's inputs.

    Raises:
        ImageError: an input is missing, has not the declared shape or dtype, or not the sides that it has to share with
            the inputs before it.
    """
    sizes: dict[str, int] = {}
    for declared in program.inputs:
        if declared.name not in inputs:
            raise ImageError(f"{program.name}: expected an input {declared.name!r}, got {sorted(inputs)}")
        _measure(declared.name, declared.type, inputs[declared.name], sizes)
        if 0 in inputs[declared.name].shape and not program.stacked:
            raise ImageError(f"{declared.name}: expected at least one pixel, got the shape {list(inputs[declared.name].shape)}")
        if declared.measures:
            sizes.update(zip(declared.measures, inputs[declared.name].ravel().tolist(), strict=False))
    return sizes


def _measure(name: str, type: TensorType, array: Array, sizes: dict[str, int]) -> None:
    """Check an input against its type and read the symbols off its shape."""
    if array.dtype != DTYPES[type.dtype] or array.ndim != type.rank:
        raise ImageError(f"{name}: expected {type}, got {array.dtype}{list(array.shape)}")
    for want, have in zip(type.shape, array.shape, strict=True):
        if num.is_sym(want) and want.op == "symbol":
            side = want.args[0]
            if sizes.setdefault(side, have) != have:
                raise ImageError(
                    f"{name}: expected a {side} of {sizes[side]}, as the inputs before it have, got {have} "
                    f"(shape {list(array.shape)}). Make them of one size."
                )
        elif want != have:
            raise ImageError(f"{name}: expected {type}, got {array.dtype}{list(array.shape)}")


def join(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]], counts: Sequence[int] = ()) -> dict[str, Any]:
    """Bring the results of several images together, each output in its stated way.

    Args:
        outputs: the program's outputs.
        results: the outputs of each image.
        counts: for outputs of samples, how many of the images belong to each sample, in order.

    Returns:
        By output name: a list of one array per image or sample for `stack` and `pad` (padded to the largest, so that
        equal ranks stack), one array for the other joins and for padded samples, nested lists of numbers for a listed
        output. What cannot be concatenated, because shapes differ, is a list of rows; an optional output without
        elements is left out.

    Raises:
        ShapeError: the images of a sample, or samples, differ in shape where they have to be stacked.
    """
    joined: dict[str, Any] = {}
    for output in outputs:
        arrays = [result[output.name] for result in results]
        if output.sample is not None:
            ends = np.cumsum(counts)
            arrays = [_sample(output, arrays, end - count, end) for count, end in zip(counts, ends, strict=True)]
            lacking = len({array.shape[:1] for array in arrays}) > 1
            if output.batch == "pad" and lacking and isinstance(output.pad_value, float):
                arrays = [array.astype(np.float32) if array.dtype == np.uint8 else array for array in arrays]
        value = arrays if output.apart else _joined(output.batch, arrays, output)
        if output.sample is not None and output.batch == "pad":
            value = _stacked(output, value)
        if not (output.optional and all(np.size(array) == 0 for array in value)):
            joined[output.name] = _listed(value) if output.listed else value
    return joined


def _stacked(output: Output, samples: Iterable[Array]) -> Array:
    """The samples as one array."""
    samples = list(samples)
    if len(shapes := {sample.shape for sample in samples}) > 1:
        found = " and ".join(str(list(shape)) for shape in sorted(shapes))
        raise ShapeError(f"{output.name}: expected samples of as many channels, got {found}. Convert the images to RGB.")
    return np.stack(samples)


def _sample(output: Output, arrays: Sequence[Array], start: int, end: int) -> Array:
    """One sample of the images from `start` to `end`; one without images has no element, but axes and channels as the others."""
    if start == end:
        shape = (*((0,) if output.sample in ("stack", "pad") else ()), *arrays[0].shape)
        axes = output.padded_axes(len(shape))
        return np.empty([0 if axis in axes else length for axis, length in enumerate(shape)], dtype=arrays[0].dtype)
    images = _joined(output.sample or "stack", arrays[start:end], output)
    if isinstance(images, list) and len({image.shape for image in images}) > 1:
        shapes = ", ".join(str(list(image.shape)) for image in images)
        raise ShapeError(f"{output.name}: expected images of one shape in a sample, got {shapes}. Make their sizes equal.")
    return np.asarray(images)


def _listed(value: list[Array] | Array) -> Any:
    """Nested lists of numbers, whose lengths may differ."""
    return [np.asarray(array).tolist() for array in value] if isinstance(value, list) else value.tolist()


def batch(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The results of several images, which are one sample where images make samples, as a graph returns them."""
    joined = join([replace(output, listed=False, optional=False, apart=False) for output in outputs], results, [len(results)])
    return {name: np.stack(value) if isinstance(value, list) else value for name, value in joined.items()}


def of_one(output: Output, array: Array) -> Array:
    """One image's own result from what a graph returned for that image alone."""
    if output.join == "numbered":
        return array[:, 1:]
    nested = output.sample is not None and output.batch != "concatenate"
    axes = int(nested) + int(output.join in ("stack", "pad"))
    return array[(0,) * axes] if axes else array


def _joined(how: Join, arrays: Sequence[Array], output: Output) -> list[Array] | Array:
    if how == "concatenate" and len({array.shape[1:] for array in arrays}) > 1:
        return [row for array in arrays for row in array]
    if how in ("concatenate", "strip"):
        return np.concatenate(arrays, axis=-1 if how == "strip" else 0)
    if how == "padded_rows":
        largest = np.max([a.shape[1:] for a in arrays], axis=0)
        return np.concatenate([_padded(a, np.array([len(a), *largest]), output.pad_value) for a in arrays])
    if how == "numbered":
        return np.concatenate([np.insert(rows, 0, number, axis=1) for number, rows in enumerate(arrays)])
    if how == "shifted":
        starts = np.cumsum([0, *(array.max(initial=-1) + 1 for array in arrays[:-1])])
        return np.concatenate([np.where(a >= 0, a + a.dtype.type(s), a) for a, s in zip(arrays, starts, strict=True)])
    if how == "largest":
        return np.asarray(np.max(np.stack(arrays)))
    if how == "pad":
        largest = np.max([a.shape for a in arrays], axis=0)
        axes = output.padded_axes(arrays[0].ndim)
        padded = [np.where([axis in axes for axis in range(a.ndim)], largest, a.shape) for a in arrays]
        return [_padded(a, shape, output.pad_value) for a, shape in zip(arrays, padded, strict=True)]
    # Numbers instead of arrays without axes; conversion to tensors passes over numpy's own bools.
    return [array.item() if array.dtype == np.bool_ and not array.ndim else array[()] for array in arrays]


def _padded(array: Array, shape: Array, value: float | tuple[float, ...]) -> Array:
    """The array in the first corner of a larger one."""
    if tuple(shape) == array.shape:
        return array
    padded = np.empty(tuple(shape), dtype=array.dtype)
    padded[...] = value
    padded[tuple(slice(length) for length in array.shape)] = array
    return padded
