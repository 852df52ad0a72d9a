"""Apply a function of one number, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


def _sigmoid(x: Array) -> Array:
    """Compute `1 / (1 + exp(-x))`.

    The result is 0 if the exponential overflows, as in torch.
    """
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
"""The functions by name.

For each: numpy's function, ONNX's operator (empty if it takes several nodes), and the element types
that it takes.
"""


@op("unary")
@dataclass(frozen=True, slots=True)
class Unary(Op):
    """Apply one of `FUNCTIONS` to every element.

    Shapes:   any; unchanged.
    Dtypes:   those that `FUNCTIONS` lists; unchanged.
    Rounding: the dtype's. `sigmoid`, `exp` and `log` are computed by the runtime and by numpy in
              their own ways, with a relative difference of at most 1e-6; `sin` and `cos` likewise,
              with an absolute difference of at most 1e-6. The others are exact or correctly
              rounded.
    Source:   numpy's functions of these names; ONNX operators of these names; `torch.sigmoid`.
    """

    function: str

    def infer(self, x: TensorType) -> TensorType:
        """Return the same type."""
        if self.function not in FUNCTIONS:
            raise ShapeError(f"unary: expected one of {', '.join(FUNCTIONS)}, got {self.function!r}")
        require_dtype(self, x, *FUNCTIONS[self.function][2])
        return x

    def numpy(self, x: Array) -> Array:
        """Apply numpy's function."""
        return np.asarray(FUNCTIONS[self.function][0](x))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the operator; for `sigmoid` its definition.

        ONNX Runtime's Sigmoid errs by up to 1.4e-7. So a score below 0.01 has few correct digits,
        and one below 1e-7 has none.
        """
        if self.function == "sigmoid":
            one = g.constant([1], "f32")
            return g.Div(one, g.Add(one, g.Exp(g.Neg(x))))
        return getattr(g, FUNCTIONS[self.function][1])(x)
