"""Write a size function as an ONNX graph: int64 scalars in, numbers and vectors out.

Inputs have the names of the arguments, outputs those of the results: int64, or float64 if one of a
result's numbers is, of no axis or of one. What a function refuses, the graph refuses: a node called
`check: <message>` fails. Nodes are those that graphs of programs compute sizes with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import onnx_ir as ir

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.emit import IR_VERSION
from graphproc.emitters.onnx.expressions import DTYPE
from graphproc.emitters.onnx.preconditions import checked
from graphproc.emitters.source.assignments import Argument, Body, Loop, Require, elements, flatten
from graphproc.ir.program import Precondition
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Bool, Num, Sym

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
    body = flatten(function)
    g = GraphBuilder("cpu", opset, leading=0)
    inputs = []
    for argument in body.arguments:
        value = ir.Value(name=argument.name, shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
        inputs.append(value)
        g.symbol(argument.name, g.Unsqueeze(value, g.vector(0)))
    conditions = [*map(_in_range, body.arguments), *_required(body)]
    outputs = []
    for name, value in function.results.items():
        numbers = elements(value)
        kinds = {num.kind_of(x) for x in numbers}
        kind = "float" if "float" in kinds else "int"
        parts = [g.float64(x) if kind == "float" else g.num(x) for x in numbers]
        joined = g.Concat(*parts, axis=0) if len(parts) > 1 else parts[0] if parts else g.constant([], "i64")
        result = checked(g, joined, TensorType(DTYPE[kind], (len(parts),)), None, conditions)
        result = g.Identity(result) if isinstance(value, tuple) else g.Squeeze(result, g.vector(0))
        result.name = name
        result.shape = ir.Shape([len(parts)] if isinstance(value, tuple) else [])
        outputs.append(result)
    constants = list(g.initializers.values())
    graph = ir.Graph(inputs, outputs, nodes=g.nodes, initializers=constants, opset_imports={"": opset}, name=function.name)
    made = ir.Model(graph, ir_version=IR_VERSION[opset], producer_name="graphproc", doc_string="\n".join(about))
    return ir.to_proto(made)


def _in_range(argument: Argument) -> Precondition:
    symbol = num.symbol(argument.name)
    low, high = Sym("le", (argument.low, symbol), "bool"), Sym("le", (symbol, argument.high), "bool")
    return Precondition(num.both(low, high), argument.message)


def _required(body: Body) -> list[Precondition]:
    """Return the checks of the function, in order; those of tables hold if they do for each element."""
    found = []
    for step in body.steps:
        for one in step.steps if isinstance(step, Loop) else (step,):
            if isinstance(one, Require):
                found.append(Precondition(_for_all(one.condition), one.message))
    return found


def _for_all(condition: Bool) -> Bool:
    table = isinstance(condition, Sym) and condition.length
    return num.negate(num.any_of(num.negate(condition))) if table else condition
