"""Emit the results of several images as one output; each output's join emits its nodes.

Images of one size share a batch axis from the start. Images of different sizes, and programs with
sizes that depend on pixels, run one after the other in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.nodes import Value
from graphproc.emitters.onnx.preconditions import same
from graphproc.ir.join import Looped, with_axis
from graphproc.ir.program import Output, Program
from graphproc.ir.types import TensorType

Results = Mapping[str, Value]
"""Tensors by the names of the program's values."""


def of_image(g: GraphBuilder, program: Program, results: Results) -> list[Value]:
    """Emit the outputs of one image, as a batch of one."""
    _share(g, program, results)
    joined = []
    for output in program.outputs:
        with g.scope(output.name):
            joined.append(_as_sample(g, output, output.image_join.image(g, results[output.value])))
    return joined


def of_batch(g: GraphBuilder, program: Program, results: Results, batch: Value) -> list[Value]:
    """Emit the outputs of images of one size, which have a batch axis already."""
    _share(g, program, results)
    joined = []
    for output in program.outputs:
        with g.scope(output.name):
            value = output.image_join.batch(g, results[output.value], program.value(output.value).type, batch)
            joined.append(_as_sample(g, output, value))
    return joined


def by_image(g: GraphBuilder, program: Program, count: Value, image: Callable[[Value], Results]) -> list[Value]:
    """Emit a loop that runs the program image by image, and join its results.

    Args:
        g: the graph under construction.
        program: the program.
        count: the number of images, an int64 scalar.
        image: emits one image's results, given its index, an int64 scalar.
    """
    types = {o.name: program.value(o.value).type for o in program.outputs}
    collected = [o for o in program.outputs if o.image_join.collected]
    stacked = [o for o in program.outputs if not o.image_join.collected]
    padded = [o for o in collected if o.image_join.pads]
    compared = [o for o in stacked if sum(not isinstance(length, int) for length in types[o.name].shape) > 1]
    sequences = [g.sequence(types[o.name].dtype) for o in collected]
    largest = [g.constant([0] * types[o.name].rank, "i64") for o in padded]
    states = {o.name: state for o in program.outputs if (state := o.image_join.start(g)) is not None}
    own = [o for o in program.outputs if o.name in states]
    firsts = [g.constant([0] * types[o.name].rank, "i64") for o in compared]
    groups = (collected, padded, own, compared)

    def body(index: Value, *carried: Value) -> tuple[Sequence[Value], Sequence[Value]]:
        results = image(index)
        sequences, largest, states, firsts = _by_name(groups, carried)
        values = {}
        for o in program.outputs:
            values[o.name], state = o.image_join.one(g, results[o.value], index, states.get(o.name))
            states |= {} if state is None else {o.name: state}
        sequences = {name: g.SequenceInsert(sequence, values[name]) for name, sequence in sequences.items()}
        largest = {name: g.Max(shape, g.Shape(values[name])) for name, shape in largest.items()}
        for name, first in firsts.items():
            firsts[name], values[name] = _of_first_shape(g, first, values[name], name)
        following = [*sequences.values(), *largest.values(), *states.values(), *firsts.values()]
        return following, [values[o.name] for o in stacked]

    finals, scans = g.loop(count, [*sequences, *largest, *states.values(), *firsts], body, "images")
    rows, shapes, *_ = _by_name(groups, finals)
    rows |= {o.name: value for o, value in zip(stacked, scans, strict=True)}
    joined = []
    for o in program.outputs:
        found = Looped(o.name, types[o.name], rows[o.name], count, shapes.get(o.name))
        joined.append(_as_sample(g, o, o.image_join.loop(g, found)))
    return joined


def _by_name(groups: Sequence[Sequence[Output]], values: Sequence[Value]) -> list[dict[str, Value]]:
    """Split values that follow one another into groups of outputs, by the outputs' names."""
    rest = iter(values)
    return [{output.name: next(rest) for output in group} for group in groups]


def _share(g: GraphBuilder, program: Program, results: Results) -> None:
    """Tell the builder which values several outputs return."""
    names = [output.value for output in program.outputs]
    g.shared = {value for name, value in results.items() if names.count(name) > 1}


def _as_sample(g: GraphBuilder, output: Output, value: Value) -> Value:
    """Put all images of a run into one sample, in a batch of one, if images make samples."""
    return with_axis(g, value) if output.sample is not None and output.join.has_image_axis else value


def _of_first_shape(g: GraphBuilder, first: Value, value: Value, name: str) -> tuple[Value, Value]:
    """Return the first image's shape, and the value behind a check that it has that shape.

    ONNX Runtime's Loop compares only numbers of elements, so it would stack 20 x 30 and 30 x 20
    pixels as if they were alike.

    Args:
        g: the graph under construction.
        first: the shape, or zeros if the value is the first image's.
        value: the image's result.
        name: the output's name.
    """
    shape = g.Shape(value)
    first = g.Where(g.Equal(first, g.constant([0], "i64")), shape, first)
    return first, same(g, value, shape, first, f"expected results of one shape of all images for {name}")


def shape(output: Output, type: TensorType, batch: int | str) -> list[int | str]:
    """Return the declared shape of a graph output: numbers, and names of free dimensions.

    Args:
        output: the output.
        type: the type of one image's value.
        batch: the number of images.
    """
    names = [f"{output.name}_{name}" for name in _axes(type)]
    sizes = [length if isinstance(length, int) else name for length, name in zip(type.shape, names, strict=True)]
    dims = output.image_join.shape(sizes, names, batch)
    return [1, *dims] if output.sample is not None and output.join.has_image_axis else dims


def _axes(type: TensorType) -> list[str]:
    """Return a name for each axis of a type, by its layout or else by number."""
    names = {"H": "height", "W": "width", "C": "channels", "N": "tiles", "P": "patches", "F": "features"}
    names |= {"Q": "queries", "T": "frames"}
    return [names[letter] for letter in type.layout] or [str(axis) for axis in range(type.rank)]
