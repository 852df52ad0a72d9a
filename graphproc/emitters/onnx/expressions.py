"""Emit expressions of sizes as nodes that compute what `sizes.num.evaluate` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from graphproc.errors import EmitError
from graphproc.sizes import num
from graphproc.sizes.num import Sym

if TYPE_CHECKING:
    from graphproc.emitters.onnx.builder import GraphBuilder

DTYPE: Mapping[str, str] = {"bool": "bool", "int": "i64", "float": "f64"}
"""The IR's dtype for each kind of number."""
_BINARY = {"add": "Add", "sub": "Sub", "mul": "Mul", "min": "Min", "max": "Max"}
_COMPARE = {"lt": "Less", "le": "LessOrEqual", "eq": "Equal"}
_LOGIC = {"and": "And", "or": "Or", "not": "Not"}
_ROUND = {"floor": "Floor", "ceil": "Ceil", "round": "Round"}
_EXTREME = {"argmin": "ReduceMin", "smallest": "ReduceMin", "argmax": "ReduceMax", "largest": "ReduceMax", "any": "ReduceMax"}


def emit_expression(g: GraphBuilder, x: Sym) -> ir.Value:
    """Emit the last operation of an expression; the builder emits its operands or has them already.

    Returns:
        A tensor of shape [1], or of as many elements as a table has: int64, float64 or bool.

    Raises:
        EmitError: the operation has no ONNX form.
    """
    result: ir.Value
    if x.op == "where":
        condition, a, b = x.args
        both = [g.float64(v) if x.kind == "float" else g.num(v) for v in (a, b)]
        result = g.Where(g.num(condition), *both)
    elif x.op in _LOGIC:
        result = _emit(g, _LOGIC[x.op], *(g.num(a) for a in x.args))
    elif x.op == "float":
        result = g.float64(x.args[0])
    elif x.op == "trunc":
        result = g.cast(g.num(x.args[0]), "i64")
    elif x.op in _ROUND:
        result = g.cast(_emit(g, _ROUND[x.op], g.num(x.args[0])), "i64")
    elif x.op == "to_float32":
        result = g.cast(g.cast(g.num(x.args[0]), "f32"), "f64")
    elif x.op == "sqrt":
        result = g.Sqrt(g.float64(x.args[0]))
    elif x.op == "table":
        result = g.constant(list(x.args), DTYPE[x.kind])
    elif x.op == "take":
        result = g.Gather(*(g.num(a) for a in x.args), axis=0)
    elif x.op in _EXTREME:
        result = _extreme(g, x)
    else:
        result = _of_two(g, x)
    return result


def _emit(g: GraphBuilder, op_type: str, *inputs: ir.Value) -> ir.Value:
    value: ir.Value = getattr(g, op_type)(*inputs)
    return value


def _of_two(g: GraphBuilder, x: Sym) -> ir.Value:
    """Emit an operation of two operands; both become float64 if one is a float.

    Raises:
        EmitError: the operation has no ONNX form.
    """
    floats = x.op == "truediv" or any(num.kind_of(a) == "float" for a in x.args)
    a, b = (g.float64(v) if floats else g.num(v) for v in x.args)
    if x.op in _BINARY:
        return _emit(g, _BINARY[x.op], a, b)
    if x.op in _COMPARE:
        return _emit(g, _COMPARE[x.op], a, b)
    if x.op == "truediv":
        return _emit(g, "Div", a, b)
    if x.op == "mod" and not floats:
        return _emit(g, "Mod", a, b)
    if x.op == "floordiv" and not floats:  # Python's float `//` is no rounded quotient: 1.0 // 0.1 is 9
        # ONNX divides ints toward zero. Subtracting the remainder first, which has the divisor's sign, rounds down.
        exact = num.low(x.args[0]) >= 0 and num.low(x.args[1]) > 0
        return _emit(g, "Div", a, b) if exact else _emit(g, "Div", _emit(g, "Sub", a, _emit(g, "Mod", a, b)), b)
    raise EmitError(f"emitter: the size operation {x.op!r} has no ONNX form")


def _extreme(g: GraphBuilder, x: Sym) -> ir.Value:
    """Emit a reduction of a table, in float64: runtimes reduce ints in less (CUDA in float32)."""
    table: Sym = x.args[0]
    values = g.float64(table)
    extreme: ir.Value = getattr(g, _EXTREME[x.op])(values, keepdims=1)
    if x.op not in ("argmin", "argmax"):
        return g.cast(extreme, DTYPE[x.kind])
    # ArgMax leaves the choice among equal elements to the runtime's device. The least of their indices is the first.
    found = g.Equal(values, extreme)
    indices = g.Where(found, g.constant(np.arange(table.length), "f64"), g.constant([table.length], "f64"))
    return g.cast(g.ReduceMin(indices, keepdims=1), "i64")
