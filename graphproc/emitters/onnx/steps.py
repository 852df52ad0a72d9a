"""Emit the steps of a program: for one image, or for a batch of images of one size.

A batch has a leading axis.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.nodes import Value
from graphproc.emitters.onnx.preconditions import checked, decided
from graphproc.ir.program import Program, Step
from graphproc.ir.types import TensorType


def emit_steps(g: GraphBuilder, program: Program, images: Mapping[str, Value], batch: Value | None = None) -> dict[str, Value]:
    """Emit every step.

    Args:
        g: the graph under construction.
        program: the program, optimized.
        images: a tensor for each input, with `g.leading` batch axes in front.
        batch: the number of images, int64 [1], or None without a batch axis.

    Returns:
        The tensor of every output's value, by the value's name, in its declared dtype.
    """
    values: dict[str, Value] = {}
    for declared in program.inputs:
        tensor = images[declared.name]
        _symbols(g, tensor, declared.type)
        if declared.size_names:
            flat = tensor if declared.type.rank == 1 else g.Reshape(tensor, g.vector(-1))
            _name_sizes(g, flat, declared.size_names)
        pixels = g.cast(tensor, g.pixel_dtype) if declared.type.dtype == "u8" else tensor
        values[declared.name] = g.with_type(pixels, declared.type)
    symbols = set(program.symbols)
    conditions = decided(program.preconditions, symbols)
    if program.inputs:
        first = program.inputs[0]
        values[first.name] = checked(g, values[first.name], first.type, batch, conditions)
    for step in program.steps:
        with g.scope(step.output.name):
            values[step.output.name] = g.with_type(_step(g, step, values, batch), step.output.type)
        if step.size_names:  # checked on the operand, which later steps read, too
            name = step.inputs[0]
            symbols.update(step.size_names)
            further = [found for found in decided(program.preconditions, symbols) if found not in conditions]
            values[name] = checked(g, values[name], program.value(name).type, batch, further)
            conditions += further
    wanted = {output.value for output in program.outputs}
    return {name: g.cast(values[name], program.value(name).type.dtype) for name in values if name in wanted}


def _step(g: GraphBuilder, step: Step, values: Mapping[str, Value], batch: Value | None) -> Value:
    """Emit one step.

    The result of an op without operands is repeated for all images of a batch.
    """
    result = g.compute(step.op, *(values[name] for name in step.inputs))
    if not step.inputs and batch is not None:  # computed from sizes alone, so the same for every image
        sizes = g.vector(batch, *step.output.type.shape)
        node = result.producer()
        if node is not None and node.op_type == "ConstantOfShape":
            node.replace_input_with(0, sizes)  # one element goes to all images at once
            g.nodes.remove(node)
            g.nodes.append(node)  # after the node of the sizes
        else:
            result = g.Expand(result, sizes)
    _name_sizes(g, result, step.size_names)
    return result


def _name_sizes(g: GraphBuilder, sizes: Value, names: tuple[str, ...]) -> None:
    """Make the elements of an int64 vector the tensors of these symbols."""
    for position, name in enumerate(names):
        g.symbol(name, g.Slice(sizes, g.vector(position), g.vector(position + 1)))


def _symbols(g: GraphBuilder, tensor: Value, type: TensorType) -> None:
    """Make an input's symbolic sides symbols of the graph."""
    for axis, size in enumerate(type.shape):
        if not isinstance(size, int):
            at = axis + g.leading
            with g.scope("sizes"):
                g.symbol(str(size), g.Shape(tensor, start=at, end=at + 1))
