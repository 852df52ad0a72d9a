"""Run programs in numpy on images of any values, as transformers' pil backend processes them.

A program is compiled for bytes. Here its ops take arrays of any dtype and number of channels, and
keep both as far as numpy does. Each resize decides for itself what bytes stand for its operand;
these are resized and scaled back.

Source: transformers 5.23, `image_transforms.resize` and `to_pil_image`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.executors.reference import sizes_from
from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.numerics.as_bytes import as_bytes, has_alpha, through_alpha, unweighted, weighted
from graphproc.numerics.filters import NEAREST
from graphproc.ops import AveragePool, ContentBox, ForEach, Rescale
from graphproc.ops.resample import PILLOW, TORCH_BYTES, TORCH_FLOATS, Resample
from graphproc.sizes import num

Array = np.ndarray[Any, Any]


def run(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run a program on one image.

    Args:
        program: a verified program of the pil backend, for bytes of the image's channels.
        inputs: as for `reference.run`, of any dtypes.

    Returns:
        The outputs by name, without a batch axis.

    Raises:
        ImageError: an input is missing or has another shape, or bytes stand for none of its values.
        ProgramError: the image's size does not meet a precondition.
    """
    declared = {one.name: DTYPES[one.type.dtype].type(0) for one in program.inputs if one.name in inputs}
    sizes = sizes_from(program, {name: np.broadcast_to(zero, inputs[name].shape) for name, zero in declared.items()})
    memo: dict[num.Sym, Any] = {}
    program.check(sizes, memo)
    values = dict(inputs)
    reduced: set[str] = set()  # bytes that stand for values in [0, 1], and are resized next
    by_alpha: set[str] = set()  # bytes that are weighted by alpha, and are resized next
    for step in program.steps:
        op, operands = step.op.bind(sizes, memo), [values[name] for name in step.inputs]
        if isinstance(op, AveragePool) and (op.vertical, op.horizontal) == (1, 1):
            result = operands[0]
        elif isinstance(op, AveragePool):
            pixels, unit = as_bytes(operands[0])
            reduced |= {step.output.name} if unit else set()
            if has_alpha(pixels):
                by_alpha.add(step.output.name)
                pixels = weighted(pixels)
            result = op.numpy(pixels)
        elif isinstance(op, ContentBox):
            pixels, _ = as_bytes(operands[0])
            result = op.numpy(pixels)
            if (pixels != pixels[..., :1, :1]).any():  # later steps read a page with content as bytes
                values[step.inputs[0]] = pixels
        elif by_alpha.intersection(step.inputs):
            result = unweighted(op.numpy(*operands))
            result = _unit(result) if reduced.intersection(step.inputs) else result
        else:
            result = _applied(op, *operands)
            if reduced.intersection(step.inputs):
                result = _unit(result)
        values[step.output.name] = result
        if step.size_names:
            sizes.update(zip(step.size_names, result.tolist(), strict=True))
            program.check(sizes, memo)
    return {output.name: np.asarray(values[output.value], order="C") for output in program.outputs}


def _applied(op: Op, *operands: Array) -> Array:
    """Apply an op to operands of any dtypes.

    Pillow's resizes decide which bytes stand for their operand. torch's resizes of bytes become its
    resizes of floats where they get floats. Other ops compute as they are.
    """
    if isinstance(op, Resample) and op.arithmetic == PILLOW:
        return resize_any_values(op, *operands)
    if isinstance(op, Resample) and op.arithmetic == TORCH_BYTES and operands[0].dtype.kind == "f":
        return replace(op, arithmetic=TORCH_FLOATS).numpy(*operands)
    if isinstance(op, ForEach):
        return op.numpy(*operands, applied=_applied)
    return op.numpy(*operands)


def resize_any_values(op: Resample, x: Array) -> Array:
    """Resize one image, or each of a number of parts, of any values.

    Args:
        op: the resize.
        x: [C, height, width], or [parts, C, height, width], of any dtype.

    Returns:
        Bytes; or float32 in [0, 1] if not all values are whole numbers.

    Raises:
        ImageError: bytes stand for none of the values, or there are more than 4 channels.
    """
    if x.ndim > 3 and len(x):
        return np.stack([resize_any_values(op, part) for part in x])
    sides = x.shape[-2:]
    same = sides == (op.height, op.width) and (op.extent or sides) == sides  # Pillow leaves these as they are
    if same and op.keeps_size:
        return x
    pixels, unit = as_bytes(x)
    channels = x.shape[-3]
    if channels not in (1, 2, 3, 4):
        raise ImageError(f"image of {channels} channels: expected 1 to 4 where images are resized. Convert the image to RGB.")
    through = has_alpha(pixels) and op.filter != NEAREST and not same
    result = through_alpha(pixels, op.numpy) if through else op.numpy(pixels)
    return _unit(result) if unit else result


def _unit(pixels: Array) -> Array:
    return Rescale(1 / 255).numpy(pixels)
