"""Write a size function as an ONNX graph: int64 scalars in, numbers and vectors out.

Inputs have the names of the arguments, outputs those of the results: int64, or float64 if one of a
result's numbers is, of no axis or of one. What a function refuses, the graph refuses: a node called
`check: <message>` fails. Nodes are those that graphs of programs compute sizes with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.emit import IR_VERSION
from graphproc.emitters.onnx.preconditions import IMPOSSIBLE, MARK
from graphproc.emitters.source.assignments import (
    EXACT,
    TOO_LARGE,
    Argument,
    Assign,
    Body,
    Require,
    elements,
    flatten,
    for_all,
    within,
)
from graphproc.sizes import num
from graphproc.sizes.expression import REDUCERS
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Sym

if TYPE_CHECKING:
    import onnx

OPSET = 18


def model(function: SizeFunction, about: Sequence[str], opset: int = OPSET) -> onnx.ModelProto:
    """Return the graph of a size function.

    Args:
        function: the function.
        about: lines to say what it is, which become the model's description.
        opset: the version of the default ONNX domain, 17 to 23.

    Raises:
        EmitError: an operation has no ONNX form, as `//` of floats.
    """
    body = flatten(function, inline=False)
    g = GraphBuilder("cpu", opset, leading=0)
    inputs = []
    for argument in body.arguments:
        given = ir.Value(name=argument.name, shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
        inputs.append(given)
        g.symbol(argument.name, g.Unsqueeze(given, g.vector(0)))
    zero = _zero(g, body) if inputs else g.constant([0], "i64")
    outputs = []
    for name, value in function.results.items():
        numbers = elements(value)
        kind = "float" if "float" in {num.kind_of(x) for x in numbers} else "int"
        parts = [g.float64(x) if kind == "float" else g.num(x) for x in numbers]
        joined = g.Concat(*parts, axis=0) if len(parts) > 1 else parts[0] if parts else g.constant([], "i64")
        single = not isinstance(value, tuple)
        indices = g.Squeeze(zero, g.vector(0)) if single else g.Add(zero, g.constant(np.arange(len(parts)), "i64"))
        result = g.Gather(joined, indices, axis=0)
        result.name = name
        result.shape = ir.Shape([] if single else [len(parts)])
        outputs.append(result)
    constants = list(g.initializers.values())
    graph = ir.Graph(inputs, outputs, nodes=g.nodes, initializers=constants, opset_imports={"": opset}, name=function.name)
    made = ir.Model(graph, ir_version=IR_VERSION[opset], producer_name="graphproc", doc_string="\n".join(about))
    return ir.to_proto(made)


def _zero(g: GraphBuilder, body: Body) -> ir.Value:
    """Return 0, int64 [1], behind all checks of a function.

    Every output is gathered at places that it is added to, so that none is computed without the
    checks. They come one after the other, so that the first that fails is the one that says why.
    Outputs are not reshaped themselves: ONNX Runtime makes one of several reshapes in a row where it
    knows the last one's shape, as it does of outputs.
    """
    value = g.num(num.symbol(body.arguments[0].name))
    for check in [*map(_in_range, body.arguments), *_required(body)]:
        holds = g.num(check.condition)
        with g.scope(f"{MARK}{check.message}"):
            value = g.Reshape(value, g.Where(holds, g.vector(1), g.vector(IMPOSSIBLE)))
    zero: ir.Value = g.Mul(value, g.vector(0))
    return zero


def _in_range(argument: Argument) -> Require:
    symbol = num.symbol(argument.name)
    low, high = Sym("le", (argument.low, symbol), "bool"), Sym("le", (symbol, argument.high), "bool")
    return Require(num.both(low, high), argument.message)


def _required(body: Body) -> Iterator[Require]:
    """Yield the function's checks, and one for each table that is reduced: graphs reduce ints as float64."""
    for step in body.steps:
        if isinstance(step, Require):
            yield step
        elif isinstance(step, Assign) and step.value.op in REDUCERS:
            (table,) = step.value.args
            if table.kind == "int" and not body.within(table, EXACT):
                yield Require(for_all(within(table, EXACT)), TOO_LARGE)
