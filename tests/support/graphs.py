"""Emitting and running small graphs: what the tests of ops, passes and the emitter share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

from graphproc.emitters.onnx import emit as emit_module
from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.emit import IR_VERSION, EmitOptions, emit
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num

Array = np.ndarray[Any, Any]
Run = Callable[[Mapping[str, Array]], dict[str, Array]]


Make = Op | Callable[[num.Num, num.Num], Op]
Chain = Make | tuple[Make, ...]
"""An op, or several one after the other."""


def arity(op: Op) -> int:
    """Return how many operands an op takes; those without compute from sizes alone."""
    return len(inspect.signature(op.infer).parameters)


def after(chain: Chain, x: Array, made: Callable[[Make], Op]) -> Array:
    """Apply a chain of ops to an array, or to sizes alone."""
    for op in map(made, chain if isinstance(chain, tuple) else (chain,)):
        x = op.numpy(*[x][: arity(op)])
    return x


def one_step(make: Make, dtype: str, shape: Sequence[int], layout: str, operands: Sequence[Chain] | None = None) -> Program:
    """Return a program of one op, on an input of that shape with H and W turned into the symbols `height` and `width`.

    With `operands`, the op takes what those chains of ops make of the input, or of sizes alone, instead of the input itself.
    """
    sides = {"H": num.symbol("height"), "W": num.symbol("width")}
    b = ProgramBuilder("one_step", Parity("itself"))
    type = TensorType(dtype, tuple(sides.get(letter, size) for letter, size in zip(layout, shape, strict=True)), layout)
    x = b.input("image", type)

    def made(by: Make) -> Op:
        return by if isinstance(by, Op) else by(sides["H"], sides["W"])

    def operand(chain: Chain) -> Value:
        value: Value = x
        for op in map(made, chain if isinstance(chain, tuple) else (chain,)):
            value = b.add(op, *[value][: arity(op)])
        return value

    b.output("y", b.add(made(make), *([x] if operands is None else map(operand, operands))))
    return b.finish()


def emit_unoptimized(program: Program, options: EmitOptions) -> onnx.ModelProto:
    """Emit the steps as they are, so that each op's own rule runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emit_module, "optimize", lambda program, kernels: program)
        return emit(program, options)


def ort(model: onnx.ModelProto, optimize: bool = True) -> Run:
    """Return a function that runs a model on ONNX Runtime's CPU provider, with default graph optimisations or none."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, dict(inputs)), strict=True))


def onnx_reference(model: onnx.ModelProto) -> Run:
    """Return a function that runs a model in the onnx package's ReferenceEvaluator."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        with np.errstate(all="ignore"):  # a division by zero is part of some tests
            return dict(zip(evaluator.output_names, evaluator.run(None, dict(inputs)), strict=True))

    return run


def run_expressions(expressions: Sequence[num.Num | num.Bool], names: Sequence[str]) -> Callable[..., list[Any]]:
    """Make a graph of int64 scalars of size expressions; `run(height=3, width=5)` gives their values in ONNX Runtime."""
    g = GraphBuilder("cpu", 18, 0)
    inputs = [ir.Value(name=name, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.INT64)) for name in names]
    for value in inputs:
        g.symbol(str(value.name), value)
    outputs = [g.Identity(g.num(x)) for x in expressions]
    graph = ir.Graph(
        inputs, outputs, nodes=g.nodes, initializers=list(g.initializers.values()), opset_imports={"": 18}, name="sizes"
    )
    run = ort(ir.to_proto(ir.Model(graph, ir_version=IR_VERSION[18])))
    keys = [str(o.name) for o in outputs]

    def call(**values: int) -> list[Any]:
        results = run({name: np.array([values[name]], dtype=np.int64) for name in names})
        return [results[key].reshape(()).item() for key in keys]

    return call


def images(batch: int, *shape: int, dtype: str = "u8", seed: int = 0) -> Array:
    """Return different noise in every image and channel; floats are in [0, 1)."""
    rng = np.random.default_rng((seed, batch, *shape))
    if dtype == "u8":
        return rng.integers(0, 256, (batch, *shape), dtype=np.uint8)
    return rng.random((batch, *shape)).astype(DTYPES[dtype])


def assert_same(found: Array, expected: Array, what: str = "") -> None:
    """Assert equal dtype, then shape, then bits (signs of zero and NaN payloads included)."""
    assert found.dtype == expected.dtype, what
    assert found.shape == expected.shape, what
    if found.tobytes() != np.ascontiguousarray(expected).tobytes():
        np.testing.assert_array_equal(found, expected, err_msg=what)
        raise AssertionError(f"{what}: equal values of different bits")
