"""How the results of several images become one output: by a batch axis, or image by image in a loop.

Images of one size share a batch axis from the start. Images of different sizes, and programs whose sizes depend on pixels,
run one after the other: results of one shape are stacked by the loop itself, others are collected in sequences, and
those to be padded go through a second loop once the largest is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from graphproc.emitters.onnx.builder import GraphBuilder, Value
from graphproc.emitters.onnx.preconditions import same
from graphproc.ir.program import IN_A_ROW, Output, Program
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

Results = Mapping[str, Value]
"""Tensors by the name of the program's value."""


def of_image(g: GraphBuilder, program: Program, results: Results) -> list[Value]:
    """The outputs of one image, as a batch of one."""
    joined = []
    for output in program.outputs:
        with g.scope(output.name):
            value = results[output.value]
            if output.join == "numbered":
                value = _numbered(g, value, g.constant([0], "i64"))
            if output.join in ("stack", "pad"):
                value = _ahead(g, program, output, value, partial(_unsqueezed, g))
            joined.append(_sample(g, program, output, value))
    return joined


def of_batch(g: GraphBuilder, program: Program, results: Results, batch: Value) -> list[Value]:
    """The outputs of images of one size, whose values have a batch axis already."""
    joined = []
    for output in program.outputs:
        with g.scope(output.name):
            joined.append(_sample(g, program, output, _in_a_row(g, program, output, results[output.value], batch)))
    return joined


def _in_a_row(g: GraphBuilder, program: Program, output: Output, value: Value, batch: Value) -> Value:
    """A value with a batch axis, without it where the output's join has none."""
    shape = program.value(output.value).type.shape
    if output.join == "numbered":
        value = _numbered(g, value, g.Reshape(g.range(batch, "i64"), g.vector(-1, 1, 1)))
        shape = (shape[0], shape[1] + 1)
    if output.join == "shifted":
        number = g.Reshape(g.range(batch, "i64"), g.vector(-1, *[1] * len(shape)))
        value = _shifted(g, value, g.Mul(number, _after(g, value)))
    if output.join == "strip":
        sizes = g.vector(*shape[:-1], g.Mul(batch, g.num(shape[-1])))
        return _ahead(g, program, output, value, partial(_strip, g, len(shape), sizes), merged=-1)
    if output.join in IN_A_ROW:
        zero = 1 if num.low(shape[0]) < 1 else None  # else a length of 0 would stand for the batch's
        rows = g.Mul(batch, g.num(shape[0]))
        return _ahead(g, program, output, value, partial(_row, g, (rows, *shape[1:]), zero), merged=-len(shape))
    return _largest(g, value) if output.join == "largest" else value


def _largest(g: GraphBuilder, value: Value) -> Value:
    """The largest element; of bools, which ReduceMax does not take before opset 20, whether any holds."""
    dtype = g.dtype(value)
    return g.cast(g.ReduceMax(g.cast(value, "i64" if dtype == "bool" else dtype), keepdims=0), dtype)


def _after(g: GraphBuilder, positions: Value) -> Value:
    """How long a list is of which these are positions, int64 `[1]`."""
    last = g.Reshape(g.ReduceMax(g.cast(positions, "i64"), keepdims=0), g.vector(1))
    length: Value = g.Add(g.Max(last, g.constant([-1], "i64")), g.constant([1], "i64"))
    return length


def _shifted(g: GraphBuilder, positions: Value, start: Value) -> Value:
    """Positions behind those of the images before; negative ones stay."""
    wide = g.cast(positions, "i64")
    moved = g.Where(g.Less(wide, g.constant([0], "i64")), wide, g.Add(wide, start))
    return g.cast(moved, g.dtype(positions))


def _numbered(g: GraphBuilder, rows: Value, number: Value) -> Value:
    """Rows of `[..., rows, columns]` with the number of their image in front of each."""
    column = g.Slice(rows, g.vector(0), g.vector(1), g.vector(-1))
    numbered: Value = g.Concat(g.Expand(number, g.Shape(column)), rows, axis=-1)
    return numbered


def _sample(g: GraphBuilder, program: Program, output: Output, value: Value) -> Value:
    """All images of a run are one sample, in a batch of one sample."""
    if output.sample is None or output.batch == "concatenate":
        return value
    return _ahead(g, program, output, value, partial(_unsqueezed, g))


def _ahead(
    g: GraphBuilder, program: Program, output: Output, value: Value, move: Callable[[Value, Num | None], Value], merged: int = 0
) -> Value:
    """Move a whole tensor before the arithmetic with constants, and the joining along the last axis, that it comes from.

    The node that writes an output cannot share its operand's memory, so a Reshape there copies all elements.

    Args:
        g: the graph under construction.
        program: the program.
        output: what the value becomes.
        value: a tensor.
        move: emits nodes that reshape a value, or a part of one, given how long its last axis is where that is not all.
        merged: the axis of the value, counted from the end, that `move` merges with another; constants vary along others.
    """
    if [o.value for o in program.outputs].count(output.value) > 1:
        return move(value, None)

    def moved(x: Value, readers: int, width: Num | None) -> Value:
        node = x.producer()
        if node is None or node not in g.nodes or len(x.uses()) != readers:
            return move(x, width)
        operands = [operand for operand in node.inputs if operand is not None]
        last = node.op_type == "Concat" and node.attributes["axis"].value == -1
        joins = last and merged != -1 and all(operand in g.types for operand in operands)
        if not joins and not (node.op_type in _MAPS and all(_constant_along(other, merged) for other in operands[1:])):
            return move(x, width)
        new: dict[Value, Value] = {}
        for operand in operands if joins else operands[:1]:
            if operand not in new:
                own = g.types[operand].shape[-1] if joins else width
                new[operand] = moved(operand, operands.count(operand), own)
        g.nodes.remove(node)
        g.nodes.append(node)
        for position, operand in enumerate(operands):
            if operand in new:
                node.replace_input_with(position, new[operand])
        return x

    return moved(value, 0, None)


_MAPS = ("Cast", "Add", "Sub", "Mul", "Div")


def _constant_along(x: Value, axis: int) -> bool:
    """Whether a value is known and does not vary along an axis, counted from the end; 0 for any known value."""
    if x.const_value is None:
        return False
    shape = x.const_value.shape.numpy()
    return axis == 0 or len(shape) < -axis or shape[axis] == 1


def _unsqueezed(g: GraphBuilder, x: Value, width: Num | None) -> Value:
    """An axis in front."""
    result: Value = g.Unsqueeze(x, g.vector(0))
    return result


def _row(g: GraphBuilder, sizes: tuple[Num | Value, ...], allowzero: int | None, x: Value, width: Num | None) -> Value:
    """The images' rows one after the other."""
    result: Value = g.Reshape(x, g.vector(*sizes if width is None else (*sizes[:-1], width)), allowzero=allowzero)
    return result


def _strip(g: GraphBuilder, rank: int, sizes: Value, x: Value, width: Num | None) -> Value:
    """The images side by side; `rank` is that of one."""
    result: Value = g.Reshape(g.Transpose(x, perm=[*range(1, rank), 0, rank]), sizes, allowzero=1)
    return result


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
    shifted = [o for o in collected if o.join == "shifted"]
    types = {o.name: program.value(o.value).type for o in program.outputs}
    compared = [o for o in stacked if sum(not isinstance(length, int) for length in types[o.name].shape) > 1]
    start = [g.sequence(types[o.name].dtype) for o in collected]
    start += [g.constant([0] * types[o.name].rank, "i64") for o in padded]
    start += [g.constant([0], "i64") for _ in shifted]
    start += [g.constant([0] * types[o.name].rank, "i64") for o in compared]

    def body(index: Value, *carried: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        results = dict(image(index))
        results |= {o.value: _numbered(g, results[o.value], index) for o in collected if o.join == "numbered"}
        starts = carried[len(collected) + len(padded) :][: len(shifted)]
        firsts = carried[len(carried) - len(compared) :]
        ends = [g.Add(start, _after(g, results[o.value])) for start, o in zip(starts, shifted, strict=True)]
        results |= {o.value: _shifted(g, results[o.value], start) for start, o in zip(starts, shifted, strict=True)}
        rows = [g.SequenceInsert(s, results[o.value]) for s, o in zip(carried, collected, strict=False)]
        largest = carried[len(collected) : len(collected) + len(padded)]
        shapes = [g.Max(shape, g.Shape(results[o.value])) for shape, o in zip(largest, padded, strict=True)]
        found = [_of_first_shape(g, first, results[o.value], o.name) for first, o in zip(firsts, compared, strict=True)]
        results |= {o.value: value for o, (_, value) in zip(compared, found, strict=True)}
        return [*rows, *shapes, *ends, *(first for first, _ in found)], [results[o.value] for o in stacked]

    finals, scans = g.loop(count, start, body, "images")
    rows, shapes = finals[: len(collected)], finals[len(collected) : len(collected) + len(padded)]
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
            value = _padded(g, value, count, largest[output.name], types[output.name], output)
        elif output.join == "largest":
            value = _largest(g, value)
        joined.append(_sample(g, program, output, value))
    return joined


def _of_first_shape(g: GraphBuilder, first: Value, value: Value, name: str) -> tuple[Value, Value]:
    """The first image's shape, and the value behind a check that it has it.

    ONNX Runtime's Loop compares numbers of elements alone, so it would stack 20 x 30 pixels and 30 x 20 as if they were alike.

    Args:
        g: the graph under construction.
        first: the shape, or zeros where the value is the first image's.
        value: the image's result.
        name: the output's name.
    """
    shape = g.Shape(value)
    first = g.Where(g.Equal(first, g.constant([0], "i64")), shape, first)
    return first, same(g, value, shape, first, f"expected results of one shape of all images for {name}")


def _padded(g: GraphBuilder, rows: Value, count: Value, largest: Value, type: TensorType, output: Output) -> Value:
    """Every tensor of a sequence padded at its ends to the largest shape, stacked; others than the padded axes are equal."""
    rank = type.rank
    padded = [int(axis in output.padded_axes(rank)) for axis in range(rank)]
    equal = all(pads or isinstance(length, int) for pads, length in zip(padded, type.shape, strict=True))

    def missing(row: Value) -> Value:
        lengths: Value = g.Sub(largest, g.Shape(row))
        return lengths if equal else g.Mul(lengths, g.vector(*padded))

    def body(index: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        row = g.SequenceAt(rows, index)
        return [], [_pad(g, row, g.vector(*[0] * rank, missing(row)), output)]

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
