"""Run programs in numpy: the numpy reference, which defines what a program means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphproc.errors import ImageError, ShapeError
from graphproc.ir.delivery import TENSOR
from graphproc.ir.join import Shape
from graphproc.ir.program import Output, Program, Step
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num

Array = np.ndarray[Any, Any]


OnResult = Callable[[Step, Array], Array]
"""Gets a step and its result; returns what later steps read instead of the result."""


def run(program: Program, inputs: Mapping[str, Array], on_result: OnResult | None = None) -> dict[str, Array]:
    """Run a program on one image.

    Args:
        program: a verified program.
        inputs: an array for each of the program's inputs, e.g. `{"image": uint8 [height, width,
            3]}`. Only those of programs with `inputs_batched` may be without elements.
        on_result: changes each step's result; None changes nothing.

    Returns:
        The outputs by name, without a batch axis.

    Raises:
        ImageError: an input is missing, or its shape or dtype is not the declared one.
        ProgramError: the image's size does not meet a precondition.
    """
    sizes = sizes_from(program, inputs)
    memo: dict[num.Sym, Any] = {}
    program.check(sizes, memo)
    values = dict(inputs)
    for step in program.steps:
        with np.errstate(invalid="ignore"):  # pixels may be infinite or NaN; neither torch nor ONNX Runtime warns of that
            result = step.op.bind(sizes, memo).numpy(*(values[name] for name in step.inputs))
        result = result if on_result is None else on_result(step, result)
        values[step.output.name] = result
        if step.size_names:
            sizes.update(zip(step.size_names, result.tolist(), strict=True))
            program.check(sizes, memo)
    return {o.name: np.asarray(values[o.value], order="C") for o in program.outputs}


def sizes_from(program: Program, inputs: Mapping[str, Array]) -> dict[str, int]:
    """Return the sizes that inputs have, by the program's symbols.

    Example:  `{"height": 480, "width": 640}`.

    Args:
        program: a verified program.
        inputs: an array for each of the program's inputs.

    Raises:
        ImageError: an input is missing, does not have the declared shape or dtype, or lacks the
            sides that it shares with the inputs before it.
    """
    sizes: dict[str, int] = {}
    for declared in program.inputs:
        if declared.name not in inputs:
            raise ImageError(f"{program.name}: expected an input {declared.name!r}, got {sorted(inputs)}")
        _add_sizes(declared.name, declared.type, inputs[declared.name], sizes)
        if 0 in inputs[declared.name].shape and not program.inputs_batched:
            raise ImageError(f"{declared.name}: expected at least one pixel, got the shape {list(inputs[declared.name].shape)}")
        if declared.size_names:
            sizes.update(zip(declared.size_names, inputs[declared.name].ravel().tolist(), strict=False))
    return sizes


def _add_sizes(name: str, type: TensorType, array: Array, sizes: dict[str, int]) -> None:
    """Check an input against its type, and add the symbols in its shape to `sizes`.

    Raises:
        ImageError: it does not have the declared shape or dtype, or a side that it shares with the
            inputs before it has another length.
    """
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
    """Join the results of several images, each output in its own way.

    Args:
        outputs: the program's outputs.
        results: the outputs of each image.
        counts: for outputs of samples, how many images each sample has, in order.

    Returns:
        What the join's numpy rule gives, by output name: an array, or a list with an array for each
        image or sample if these keep an axis of their own. Then the delivery's kind decides:
        `lists` are nested lists of numbers, `separate` are the images' arrays.

    Raises:
        ShapeError: results that have to be stacked, of a sample's images or of samples, differ in
            shape.
    """
    joined: dict[str, Any] = {}
    for output in outputs:
        arrays = [result[output.name] for result in results]
        try:
            value = _joined(output, arrays, counts)
        except ShapeError as error:
            raise ShapeError(f"{output.name}: {error}") from error
        if not (output.delivery.omit_if_empty and all(np.size(array) == 0 for array in value)):
            joined[output.name] = _as_lists(value) if output.delivery.kind == "lists" else value
    return joined


def _joined(output: Output, arrays: Sequence[Array], counts: Sequence[int]) -> list[Array] | Array:
    """Join one output of all images."""
    if output.sample is not None:
        ends = np.cumsum(counts)
        arrays = [_sample(output, arrays, end - count, end) for count, end in zip(counts, ends, strict=True)]
    if output.delivery.kind == "separate":
        return list(arrays)
    return output.join.numpy(arrays) if output.sample is None else output.join.numpy_samples(arrays)


def _sample(output: Output, arrays: Sequence[Array], start: int, end: int) -> Array:
    """Join the images from `start` to `end`, which are one sample.

    Raises:
        ShapeError: the images have several shapes.
    """
    assert output.sample is not None
    shape = _sample_shape(output, [array.shape for array in arrays], start, end)
    return np.asarray(output.sample.numpy(arrays[start:end])) if start < end else np.empty(shape, dtype=arrays[0].dtype)


def joined_type(
    output: Output, dtype: np.dtype[Any], shapes: Sequence[Shape], counts: Sequence[int] = ()
) -> tuple[np.dtype[Any], list[Shape] | Shape]:
    """Return the element type and shape of what `join` makes of results of these shapes.

    There are several shapes where it makes a list of arrays.

    Raises:
        ShapeError: as `join`.
    """
    if output.sample is not None:
        ends = np.cumsum(counts).tolist()
        shapes = [_sample_shape(output, shapes, end - count, end) for count, end in zip(counts, ends, strict=True)]
        dtype = output.join.samples_dtype(dtype, shapes)
    if output.delivery.kind == "separate":
        return dtype, list(shapes)
    return dtype, output.join.numpy_shape(shapes) if output.sample is None else output.join.numpy_samples_shape(shapes)


def _sample_shape(output: Output, shapes: Sequence[Shape], start: int, end: int) -> Shape:
    """Return the shape of the sample of the images from `start` to `end`.

    A sample without images has no element, but the rank, dtype and channels of the others.

    Raises:
        ShapeError: the images have several shapes.
    """
    assert output.sample is not None
    if start == end:
        one: Shape = shapes[0]
        return tuple(output.join.empty_shape((*((0,) if output.sample.has_image_axis else ()), *map(num.known, one))))
    found = output.sample.numpy_shape(shapes[start:end])
    if not isinstance(found, list):
        return found
    if len(set(found)) > 1:
        text = ", ".join(str(list(shape)) for shape in dict.fromkeys(found))
        raise ShapeError(f"expected images of one shape in a sample, got {text}. Make their sizes equal.")
    return len(found), *found[0]


def _as_lists(value: list[Array] | Array) -> Any:
    """Return nested lists of numbers; their lengths may differ."""
    return [np.asarray(array).tolist() for array in value] if isinstance(value, list) else value.tolist()


def batch(outputs: Sequence[Output], results: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Join the results of several images as a graph returns them.

    If images make samples, all of them are one sample.
    """
    joined = join([replace(output, delivery=TENSOR) for output in outputs], results, [len(results)])
    return {name: np.stack(value) if isinstance(value, list) else value for name, value in joined.items()}


def of_image(output: Output, array: Array, position: int = 0) -> Array:
    """Return one image's own result from what a graph returned.

    Args:
        output: the output.
        array: what the graph returned for it.
        position: which of the images the graph ran on. For joins without an axis for the images,
            the graph must have run on one image alone.
    """
    of_sample = array[0] if output.sample is not None and output.join.has_image_axis else array
    return output.image_join.split(of_sample, position)
