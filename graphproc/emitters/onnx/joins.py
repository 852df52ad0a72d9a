"""How the results of several images become one output: by a batch axis, or image by image in a loop.

Images of one size share a batch axis from the start. Images of different sizes, and programs whose sizes depend on pixels,
run one after the other: results of one shape are stacked by the loop itself, others are collected in sequences, and
those to be padded go through a second loop once the largest is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from graphproc.emitters.onnx.builder import GraphBuilder, Value
from graphproc.ir.program import IN_A_ROW, Output, Program
from graphproc.sizes import num
from graphproc.sizes.num import Num

Results = Mapping[str, Value]
"""Tensors by the name of the program's value."""


def of_image(g: GraphBuilder, program: Program, results: Results) -> list[Value]:
    """The outputs of one image, as a batch of one."""
    joined = []
    for output in program.outputs:
        value = results[output.value]
        if output.join == "numbered":
            value = _numbered(g, value, g.constant([0], "i64"))
        joined.append(_sample(g, output, g.Unsqueeze(value, g.vector(0)) if output.join in ("stack", "pad") else value))
    return joined


def of_batch(g: GraphBuilder, program: Program, results: Results, batch: Value) -> list[Value]:
    """The outputs of images of one size, whose values have a batch axis already."""
    joined = []
    for output in program.outputs:
        value, shape = results[output.value], program.value(output.value).type.shape
        if output.join == "numbered":
            value = _numbered(g, value, g.Reshape(g.range(batch, "i64"), g.vector(-1, 1, 1)))
            shape = (shape[0], shape[1] + 1)
        if output.join == "strip":
            rank = len(shape)
            value = g.Transpose(value, perm=[*range(1, rank), 0, rank])
            value = g.Reshape(value, g.vector(*shape[:-1], g.Mul(batch, g.num(shape[-1]))), allowzero=1)
        elif output.join in IN_A_ROW:
            zero = {"allowzero": 1} if num.low(shape[0]) < 1 else {}  # else a length of 0 would stand for the batch's
            value = g.Reshape(value, g.vector(g.Mul(batch, g.num(shape[0])), *shape[1:]), **zero)
        elif output.join == "largest":
            value = _largest(g, value)
        joined.append(_sample(g, output, value))
    return joined


def _largest(g: GraphBuilder, value: Value) -> Value:
    """The largest element; of bools, which ReduceMax does not take before opset 20, whether any holds."""
    dtype = g.dtype(value)
    return g.cast(g.ReduceMax(g.cast(value, "i64" if dtype == "bool" else dtype), keepdims=0), dtype)


def _numbered(g: GraphBuilder, rows: Value, number: Value) -> Value:
    """Rows of `[..., rows, columns]` with the number of their image in front of each."""
    column = g.Slice(rows, g.vector(0), g.vector(1), g.vector(-1))
    numbered: Value = g.Concat(g.Expand(number, g.Shape(column)), rows, axis=-1)
    return numbered


def _sample(g: GraphBuilder, output: Output, value: Value) -> Value:
    """All images of a run are one sample, in a batch of one sample."""
    return g.Unsqueeze(value, g.vector(0)) if output.sample is not None and output.batch != "concatenate" else value


def by_image(g: GraphBuilder, program: Program, count: Value, image: Callable[[Value], Results]) -> list[Value]:
    """Run the program image by image.

    Args:
        g: the graph under construction.
        program: the program.
        count: the number of images, an int64 scalar.
        image: emits one image's results, given its index, an int64 scalar.
    """
    stacked = [o for o in program.outputs if o.join in ("stack", "largest")]
    collected = [o for o in program.outputs if o.join in (*IN_A_ROW, "pad")]
    padded = [o for o in collected if o.join in ("pad", "padded_rows")]
    types = {o.name: program.value(o.value).type for o in program.outputs}
    start = [g.sequence(types[o.name].dtype) for o in collected]
    start += [g.constant([0] * types[o.name].rank, "i64") for o in padded]

    def body(index: Value, *carried: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        results = dict(image(index))
        results |= {o.value: _numbered(g, results[o.value], index) for o in collected if o.join == "numbered"}
        rows = [g.SequenceInsert(s, results[o.value]) for s, o in zip(carried, collected, strict=False)]
        largest = carried[len(collected) :]
        shapes = [g.Max(shape, g.Shape(results[o.value])) for shape, o in zip(largest, padded, strict=True)]
        return [*rows, *shapes], [results[o.value] for o in stacked]

    finals, scans = g.loop(count, start, body, "images")
    rows, shapes = finals[: len(collected)], finals[len(collected) :]
    found = dict(zip((o.name for o in stacked), scans, strict=True))
    found |= {o.name: row for o, row in zip(collected, rows, strict=True)}
    largest = {o.name: shape for o, shape in zip(padded, shapes, strict=True)}
    joined = []
    for output in program.outputs:
        value = found[output.name]
        if output.join in IN_A_ROW:
            if output.join == "padded_rows":
                value = _rows_padded(g, value, count, largest[output.name], types[output.name].rank, output)
            value = g.ConcatFromSequence(value, axis=-1 if output.join == "strip" else 0)
        elif output.join == "pad":
            value = _padded(g, value, count, largest[output.name], types[output.name].rank, output)
        elif output.join == "largest":
            value = _largest(g, value)
        joined.append(_sample(g, output, value))
    return joined


def _padded(g: GraphBuilder, rows: Value, count: Value, largest: Value, rank: int, output: Output) -> Value:
    """Every tensor of a sequence padded at its ends to the largest shape, stacked."""

    def body(index: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        row = g.SequenceAt(rows, index)
        return [], [_pad(g, row, g.vector(*[0] * rank, g.Sub(largest, g.Shape(row))), output)]

    with g.scope(output.name):
        _, (value,) = g.loop(count, [], body, "pad")
    return value


def _rows_padded(g: GraphBuilder, rows: Value, count: Value, largest: Value, rank: int, output: Output) -> Value:
    """A sequence of tensors, each padded at the ends of all axes but the first to the largest shape."""
    wanted = g.Slice(largest, g.vector(1), g.vector(rank))

    def body(index: Value, padded: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        row = g.SequenceAt(rows, index)
        missing = g.Sub(wanted, g.Shape(row, start=1))
        return [g.SequenceInsert(padded, _pad(g, row, g.vector(*[0] * (rank + 1), missing), output))], []

    with g.scope(output.name):
        (value,), _ = g.loop(count, [g.sequence(g.dtype(rows))], body, "pad")
    return value


def _pad(g: GraphBuilder, row: Value, pads: Value, output: Output) -> Value:
    """Pad in the row's dtype, whichever way the target has one."""
    dtype = g.dtype(row)
    wide = dtype if g.target != "cuda" or dtype in ("f32", "f64", "bool") else "f64"  # CUDA's Pad has no integers
    padded: Value = g.cast(g.Pad(g.cast(row, wide), pads, g.constant(output.pad_value, wide)), dtype)
    return padded


def shape(output: Output, sizes: Sequence[Num], names: Sequence[str], batch: int | str) -> list[int | str]:
    """The declared shape of a graph output.

    Args:
        output: the output.
        sizes: the shape of one image's value.
        names: a name for each of its axes.
        batch: the number of images.
    """
    dims: list[int | str] = [s if isinstance(s, int) else f"{output.name}_{name}" for s, name in zip(sizes, names, strict=True)]
    if output.join == "largest":
        return []
    several = batch != 1
    if output.join == "numbered":
        dims[1] = sizes[1] + 1 if isinstance(sizes[1], int) else f"{dims[1]}_and_1"
    if output.join not in IN_A_ROW:
        dims = [batch, *dims]
    elif several:
        dims[-1 if output.join == "strip" else 0] = f"{output.name}_{names[-1 if output.join == 'strip' else 0]}"
    return [1, *dims] if output.sample is not None and output.batch != "concatenate" else dims
