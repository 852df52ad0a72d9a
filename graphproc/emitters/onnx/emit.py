"""Programs to ONNX models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import onnx_ir as ir

from graphproc.emitters.onnx.builder import ELEMENT, GraphBuilder, Value
from graphproc.errors import EmitError
from graphproc.ir.program import Output, Program
from graphproc.ir.types import TensorType
from graphproc.passes.pipeline import optimize

if TYPE_CHECKING:
    import onnx

Target = Literal["cpu", "cuda", "portable"]
Input = Literal["batch", "image"]
TARGETS: tuple[Target, ...] = ("cpu", "cuda", "portable")
INPUTS: tuple[Input, ...] = ("batch", "image")

IR_VERSION: Mapping[int, int] = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}
"""The ONNX IR version that was current with each opset: the oldest that runtimes of its time load."""


@dataclass(frozen=True, slots=True)
class EmitOptions:
    """How a program is written as a graph.

    Attributes:
        target: `cpu` is the fastest form for ONNX Runtime's CPU provider; `cuda` uses only nodes with CUDA kernels, exact
            with TF32; `portable` uses float32 and int64 only, for runtimes without 8-bit or double arithmetic.
        input: `batch` reads `images`, uint8 [batch, height, width, C]; `image` reads `image`, uint8 [height, width, C].
        opset: the version of the default ONNX domain, 17 to 23.
        image_size: (height, width) of every image, which folds all size and weight arithmetic; None for any size.
        batch_size: the number of images of a `batch` graph; None for any number.
    """

    target: Target = "cpu"
    input: Input = "batch"
    opset: int = 18
    image_size: tuple[int, int] | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (("target", self.target, TARGETS), ("input", self.input, INPUTS)):
            if value not in allowed:
                raise EmitError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}")
        if self.opset not in IR_VERSION:
            raise EmitError(f"opset: expected {min(IR_VERSION)} to {max(IR_VERSION)}, got {self.opset!r}")
        if self.image_size is not None and (len(self.image_size) != 2 or min(self.image_size) < 1):
            raise EmitError(f"image_size: expected (height, width) of at least 1 pixel each, got {self.image_size!r}")
        if self.target == "portable" and self.image_size is None:
            raise EmitError(
                "target 'portable' has no float64 to compute resampling weights in the graph: "
                "fix the image's size with image_size=(height, width), or use target 'cpu' or 'cuda'"
            )


def emit(program: Program, options: EmitOptions, metadata: Mapping[str, Any] | None = None) -> onnx.ModelProto:
    """Write a program as an ONNX model of standard operators.

    Args:
        program: a verified program.
        options: how to write it.
        metadata: entries for `metadata_props`; values other than strings are stored as JSON.

    Returns:
        A model whose inputs and outputs are named and typed as the options and the program say.

    Raises:
        EmitError: the options do not fit the program.
    """
    if options.image_size is not None:
        height, width = options.image_size
        program = program.bind(height=height, width=width)
    program = optimize(program)
    batched = options.input == "batch"
    g = GraphBuilder(options.target, options.opset, leading=1 if batched else 0)
    values: dict[str, Value] = {}
    inputs = []
    for declared in program.inputs:
        value = _input(g, declared.name, declared.type, options)
        inputs.append(value)
        values[declared.name] = g.with_type(_pixels(g, value, declared.type), declared.type)
    for step in program.steps:
        operands = [values[name] for name in step.inputs]
        with g.scope(step.output.name):
            values[step.output.name] = g.with_type(step.op.onnx(g, *operands), step.output.type)
    outputs = [_output(g, values[o.value], o, program.value(o.value).type, options) for o in program.outputs]
    graph = ir.Graph(
        inputs,
        outputs,
        nodes=g.nodes,
        initializers=list(g.initializers.values()),
        opset_imports={"": options.opset},
        name=program.name,
    )
    _drop_unused(graph)
    model = ir.Model(graph, ir_version=IR_VERSION[options.opset], producer_name="graphproc")
    for key, entry in sorted((metadata or {}).items()):
        model.metadata_props[key] = entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True)
    return ir.to_proto(model)


def _input(g: GraphBuilder, name: str, type: TensorType, options: EmitOptions) -> Value:
    """The graph input of an image, and the tensors that hold its symbolic sides."""
    dims: list[int | str] = [s if isinstance(s, int) else str(s) for s in type.shape]
    if options.input == "batch":
        dims = [options.batch_size or "batch", *dims]
        name = f"{name}s"
    value = Value(name=name, shape=ir.Shape(dims), type=ir.TensorType(ELEMENT[type.dtype]))
    for axis, size in enumerate(type.shape):
        if not isinstance(size, int):
            at = axis + g.leading
            with g.scope("sizes"):
                g.symbol(str(size), g.Shape(value, start=at, end=at + 1))
    return value


def _pixels(g: GraphBuilder, value: Value, type: TensorType) -> Value:
    return g.cast(value, g.pixel_dtype) if type.dtype == "u8" else value


def _output(g: GraphBuilder, value: Value, output: Output, type: TensorType, options: EmitOptions) -> Value:
    """The graph output: the step's result in its declared type, with its batch axis, under its own name."""
    value = g.cast(value, type.dtype)
    shape = [s if isinstance(s, int) else f"{output.name}_{letter or axis}" for axis, (s, letter) in enumerate(_axes(type))]
    if options.input == "image":
        value = g.Unsqueeze(value, g.vector(0))
    if value.producer() is None or value.name in {v.name for v in g.graph_outputs}:
        value = g.Identity(value)
    batch: int | str = 1 if options.input == "image" else options.batch_size or "batch"
    value.name = output.name
    value.shape = ir.Shape([batch, *shape])
    g.graph_outputs.append(value)
    return value


def _axes(type: TensorType) -> Sequence[tuple[Any, str]]:
    names = {"H": "height", "W": "width", "C": "channels", "N": "tiles", "P": "patches", "F": "features"}
    letters = [names[letter] for letter in type.layout] or [""] * type.rank
    return list(zip(type.shape, letters, strict=True))


def _drop_unused(graph: ir.Graph) -> None:
    """Remove nodes and initializers that nothing reads, last first."""
    for node in reversed(list(graph)):
        if not any(out.uses() or out.is_graph_output() for out in node.outputs):
            graph.remove(node, safe=True)
    for name in [name for name, value in graph.initializers.items() if not value.uses()]:
        del graph.initializers[name]


def fixed(options: EmitOptions, height: int, width: int) -> EmitOptions:
    """The same options for one image size."""
    return replace(options, image_size=(height, width))
