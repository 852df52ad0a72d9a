"""Functions of one number, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


def _sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`, which is 0 where the exponential overflows, as in torch."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)), dtype=x.dtype)


FUNCTIONS: Mapping[str, tuple[Callable[[Array], Array], str, tuple[str, ...]]] = {
    "sigmoid": (_sigmoid, "", ("f32",)),
    "exp": (np.exp, "Exp", ("f32", "f64")),
    "log": (np.log, "Log", ("f32",)),
    "sin": (np.sin, "Sin", ("f32",)),
    "cos": (np.cos, "Cos", ("f32",)),
    "sqrt": (np.sqrt, "Sqrt", ("f32", "f64")),
    "abs": (np.abs, "Abs", ("f32", "f64", "i32", "i64")),
    "floor": (np.floor, "Floor", ("f32", "f64")),
    "round": (np.rint, "Round", ("f32", "f64")),
    "negative": (np.negative, "Neg", ("f32", "f64", "i32", "i64")),
    "not": (np.logical_not, "Not", ("bool",)),
}
"""For each function: numpy's, ONNX's (none for several nodes), and the element types it takes."""


@op("function")
@dataclass(frozen=True, slots=True)
class Function(Op):
    """One of `FUNCTIONS` of every element.

    Shapes:   any; unchanged.
    Dtypes:   those that `FUNCTIONS` lists; unchanged.
    Rounding: the dtype's. `sigmoid`, `exp` and `log` are the runtime's: within 1e-6 of each other, relative; `sin` and `cos`
              likewise, of 1. The others are exact or correctly rounded.
    Source:   numpy's functions of these names; ONNX operators of these names; `torch.sigmoid`.
    """

    function: str

    def infer(self, x: TensorType) -> TensorType:
        """The same type."""
        if self.function not in FUNCTIONS:
            raise ShapeError(f"function: expected one of {', '.join(FUNCTIONS)}, got {self.function!r}")
        require_dtype(self, x, *FUNCTIONS[self.function][2])
        return x

    def numpy(self, x: Array) -> Array:
        """Numpy's function."""
        return np.asarray(FUNCTIONS[self.function][0](x))

    def onnx(self, g: Builder, x: Value) -> Value:
        """The operator; for `sigmoid` its definition.

        ONNX Runtime's Sigmoid is within 1.4e-7 of the true value, so of scores below 0.01 it has few digits right, and of
        those below 1e-7 none.
        """
        if self.function == "sigmoid":
            one = g.constant([1], "f32")
            return g.Div(one, g.Add(one, g.Exp(g.Neg(x))))
        return getattr(g, FUNCTIONS[self.function][1])(x)
