"""Emit programs as ONNX models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import onnx_ir as ir

from graphproc.emitters.onnx import results
from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.choices import never
from graphproc.emitters.onnx.digest import ENTRY, digest
from graphproc.emitters.onnx.functions import DOMAIN_VERSION, calls, imports
from graphproc.emitters.onnx.known_sizes import fold_known_sizes
from graphproc.emitters.onnx.nodes import Note, Value
from graphproc.emitters.onnx.operators import ELEMENT
from graphproc.emitters.onnx.steps import emit_steps
from graphproc.errors import EmitError, ProgramError
from graphproc.ir.program import Input, Output, Program
from graphproc.passes.pipeline import optimize

if TYPE_CHECKING:
    import onnx

Target = Literal["cpu", "cuda", "portable"]
InputForm = Literal["batch", "image", "sequence"]
TARGETS: tuple[Target, ...] = ("cpu", "cuda", "portable")
INPUTS: tuple[InputForm, ...] = ("batch", "image", "sequence")

IR_VERSION: Mapping[int, int] = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}
"""The ONNX IR version that was current with each opset: the oldest that runtimes of its time load."""


@dataclass(frozen=True, slots=True)
class EmitOptions:
    """Say how a program is written as a graph.

    Attributes:
        target: `cpu` is the fastest form for ONNX Runtime's CPU provider. `cuda` uses only nodes
            with CUDA kernels, exact with TF32. `portable` uses float32 and int64 only, for runtimes
            without 8-bit or double arithmetic.
        input: `batch` reads `images`, uint8 [batch, height, width, C]; `image` reads `image`, uint8
            [height, width, C]; `sequence` reads `images`, a sequence of uint8 [height, width, C] of
            different sizes. Extra inputs go the same way. A program with `inputs_batched` reads
            batches, and sizes once for all images, or with `sequence` one for each.
        opset: the version of the default ONNX domain, 17 to 23.
        image_size: (height, width) of every image, which folds all size and weight arithmetic; None
            for any size.
        batch_size: the number of images of a `batch` graph; None for any number. With `image_size`, too,
            no size is left to compute: the graph has no `Shape`, `Expand` and `If`, unless sizes depend
            on pixels.
        kernels: whether ops that have a native kernel become calls of it, for target `cpu`.
    """

    target: Target = "cpu"
    input: InputForm = "batch"
    opset: int = 18
    image_size: tuple[int, int] | None = None
    batch_size: int | None = None
    kernels: bool = False

    def __post_init__(self) -> None:
        for name, value, allowed in (("target", self.target, TARGETS), ("input", self.input, INPUTS)):
            if value not in allowed:
                raise EmitError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}")
        if self.opset not in IR_VERSION:
            raise EmitError(f"opset: expected {min(IR_VERSION)} to {max(IR_VERSION)}, got {self.opset!r}")
        if self.image_size is not None and (len(self.image_size) != 2 or min(self.image_size) < 1):
            raise EmitError(f"image_size: expected (height, width) of at least 1 pixel each, got {self.image_size!r}")
        if self.batch_size is not None and (not isinstance(self.batch_size, int) or self.batch_size < 1):
            raise EmitError(f"batch_size: expected a whole number of images from 1, got {self.batch_size!r}")
        if self.batch_size is not None and self.input != "batch":
            read = "one image" if self.input == "image" else "a sequence of any number of images"
            raise EmitError(f"batch_size: input {self.input!r} reads {read}. Leave batch_size out, or use input 'batch'.")
        if self.kernels and self.target != "cpu":
            raise EmitError(f"kernels: they run on CPUs, so expected target 'cpu', got {self.target!r}. Leave kernels out.")
        if self.target == "portable" and self.image_size is None:
            raise EmitError(
                "target 'portable' has no float64 to compute resampling weights in the graph: "
                "fix the image's size with image_size=(height, width), or use target 'cpu' or 'cuda'"
            )


def emit(
    program: Program, options: EmitOptions, metadata: Mapping[str, Any] | None = None, notes: list[Note] | None = None
) -> onnx.ModelProto:
    """Write a program as an ONNX model of standard operators, or of kernels and functions of these.

    Args:
        program: a verified program.
        options: how to write it.
        metadata: entries for `metadata_props`; values other than strings are stored as JSON.
        notes: a list that gets the choices made on the way.

    Returns:
        A model with inputs and outputs named and typed as the options and the program say.

    Raises:
        EmitError: the options do not fit the program.
        ProgramError: no image meets a precondition, or images of the given size do not.
    """
    source, program = program, optimize(_fixed(program, options), kernels=options.kernels)
    loops = _loops(program, options)
    if loops and options.target == "portable":
        raise EmitError(
            f"target 'portable' takes images one by one: {_why_loops(program, options)}. Use input 'image', or target 'cpu'."
        )
    batched = program.inputs_batched or options.input == "batch"
    g = GraphBuilder(options.target, options.opset, leading=1 if batched and not loops else 0, kernels=options.kernels)
    inputs = {declared.name: _input(program, declared, options) for declared in program.inputs}
    first = next(iter(inputs.values()))
    g.never = never(g, first)
    if options.input == "image" and not program.inputs_batched:
        outputs = results.of_image(g, program, emit_steps(g, program, inputs))
    elif loops:
        sequence = options.input == "sequence" and not program.inputs_batched
        count = g.SequenceLength(first) if sequence else g.Squeeze(g.Shape(first, start=0, end=1))

        def image(index: Value) -> Mapping[str, Value]:
            if sequence:
                one = {v.name: g.SequenceAt(inputs[v.name], index) for v in program.inputs}
            else:
                one = {
                    v.name: inputs[v.name] if _shared(v, options) else g.Gather(inputs[v.name], index, axis=0)
                    for v in program.inputs
                }
            return emit_steps(g, program, one)

        outputs = results.by_image(g, program, count, image)
    else:
        with g.scope("sizes"):
            batch = g.vector(options.batch_size) if options.batch_size else g.Shape(first, start=0, end=1)
        outputs = results.of_batch(g, program, emit_steps(g, program, inputs, batch), batch)
    for output, value in zip(program.outputs, outputs, strict=True):
        _declare(g, value, output, program, options)
    graph = ir.Graph(
        list(inputs.values()),
        g.graph_outputs,
        nodes=g.nodes,
        initializers=list(g.initializers.values()),
        opset_imports={"": options.opset},
        name=program.name,
    )
    _drop_unused(graph)
    functions = [] if g.functions is None else g.functions.used(calls(graph))
    for function in functions:
        _drop_unused(function.graph)
    graph.opset_imports.update(imports(functions))
    if notes is not None:
        notes += g.notes
    model = ir.Model(graph, ir_version=IR_VERSION[options.opset], producer_name="graphproc", functions=functions)
    if _static(graph):
        fold_known_sizes(model, options.target, g.known_shapes(options.batch_size or 1))
        _drop_unused(graph)
    proto = ir.to_proto(model)
    entries = {**(metadata or {}), ENTRY: digest(proto, source)}
    if functions:
        entries["graphproc.kernels"] = str(DOMAIN_VERSION)
    for key, entry in sorted(entries.items()):
        proto.metadata_props.add(key=key, value=entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True))
    return proto


def _fixed(program: Program, options: EmitOptions) -> Program:
    """Return the program with the sides of every input known.

    It is unchanged without `image_size`, or if sizes depend on pixels.

    Raises:
        EmitError: the options do not fit the program.
        ProgramError: no image meets a precondition.
    """
    if impossible := [condition for condition in program.preconditions if condition.holds is False]:
        raise ProgramError(f"{program.name}: {impossible[0].message} No image is taken with these settings.")
    sides = [name for name in program.symbols if name.endswith(("height", "width"))]
    if options.image_size is None or program.data_dependent_sizes or not (sides or program.inputs_batched):
        return program
    if program.inputs_batched:
        raise EmitError(f"image_size: {program.name} reads a model's outputs, not images. Leave it out.")
    if other := [name for name in program.symbols if name not in sides]:
        raise EmitError(f"image_size: {program.name} also depends on the number of {other[0]}, so its sizes cannot be fixed")
    height, width = options.image_size
    return program.bind(**{name: height if name.endswith("height") else width for name in program.symbols})


def _loops(program: Program, options: EmitOptions) -> bool:
    """Return whether images run one after the other."""
    each = options.input == "sequence"
    if program.inputs_batched:
        return bool(program.data_dependent_sizes) or (each and any(declared.size_names for declared in program.inputs))
    return each or (options.input == "batch" and bool(program.data_dependent_sizes))


def _shared(declared: Input, options: EmitOptions) -> bool:
    """Return whether an input holds sizes that are the same for all images."""
    return bool(declared.size_names) and options.input != "sequence"


def _why_loops(program: Program, options: EmitOptions) -> str:
    if options.input == "sequence":
        return "a sequence of images needs control flow"
    return f"{program.name} finds sizes in the pixels of each image"


def _input(program: Program, declared: Input, options: EmitOptions) -> Value:
    """Return the graph's input for an input of the program, with its name, type and shape."""
    name, type = declared.name, declared.type
    fixed = {"height": options.image_size[0], "width": options.image_size[1]} if options.image_size else {}
    dims: list[int | str] = [s if isinstance(s, int) else fixed.get(str(s), str(s)) for s in type.shape]
    tensor = ir.TensorType(ELEMENT[type.dtype])
    if program.inputs_batched:
        own = not _shared(declared, options)
        first: list[int | str] = [options.batch_size or "batch"] if own else []
        return Value(name=program.graph_input_name(name, plural=own), shape=ir.Shape([*first, *dims]), type=tensor)
    if options.input == "image":
        return Value(name=program.graph_input_name(name, plural=False), shape=ir.Shape(dims), type=tensor)
    if options.input == "batch":
        return Value(name=program.graph_input_name(name), shape=ir.Shape([options.batch_size or "batch", *dims]), type=tensor)
    # One name for the sides of images of different sizes would say that they are equal.
    each = [d if isinstance(d, int) else None for d in dims]
    return Value(name=program.graph_input_name(name), shape=ir.Shape(each), type=ir.SequenceType(tensor))


def _static(graph: ir.Graph) -> bool:
    """Return whether every input of a graph has one fixed shape."""
    shapes = [value.shape for value in graph.inputs]
    return all(shape is not None and shape.is_static() for shape in shapes)


def _declare(g: GraphBuilder, value: Value, output: Output, program: Program, options: EmitOptions) -> None:
    """Make a value a graph output, under the output's name and with its declared shape."""
    type, one = program.value(output.value).type, options.input == "image" and not program.inputs_batched
    if value.producer() is None or value in g.graph_outputs:
        value = g.Identity(value)
    batch: int | str = 1 if one else options.batch_size or "batch"
    value.name = output.name
    value.shape = ir.Shape(results.shape(output, type, batch))
    g.graph_outputs.append(value)


def _drop_unused(graph: ir.Graph) -> None:
    """Remove nodes and initializers that nothing reads, last first."""
    for node in reversed(list(graph)):
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                _drop_unused(attribute.as_graph())
        if not any(out.uses() or out.is_graph_output() for out in node.outputs):
            graph.remove(node, safe=True)
    for name in [name for name, value in graph.initializers.items() if not value.uses()]:
        del graph.initializers[name]
