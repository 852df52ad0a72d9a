"""Choose between a value and a number, element by element.

The file is not called `where`, because its module would hide the function `graphproc.ops.where`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops.fill import require_fits


@op("where")
@dataclass(frozen=True, slots=True)
class Where(Op):
    """Return the element of the second operand where the first is true, else `otherwise`.

    Shapes:   two of the same number of axes, with sizes that are equal or 1 (numpy's broadcasting)
              -> the larger ones.
    Dtypes:   bool for the first. The second is f32, i32 or i64 and must hold `otherwise`; the
              result has its type.
    Rounding: `otherwise` once, to f32.
    Source:   numpy.where; ONNX Where-16.
    """

    otherwise: float = 0

    def infer(self, when: TensorType, x: TensorType) -> TensorType:
        """Return the second operand's type with the larger sizes."""
        require_dtype(self, when, "bool")
        require_dtype(self, x, "f32", "i32", "i64")
        require_fits(self, self.otherwise, x.dtype)
        if when.rank != x.rank or any(a != b and a != 1 and b != 1 for a, b in zip(when.shape, x.shape, strict=True)):
            raise ShapeError(f"where: expected operands of one rank with sizes that are equal or 1, got {when} and {x}")
        shape = tuple(b if a == 1 else a for a, b in zip(when.shape, x.shape, strict=True))
        return replace(x, shape=shape, layout=x.layout or when.layout)

    def numpy(self, when: Array, x: Array) -> Array:
        """Apply `numpy.where`."""
        return np.where(when, x, np.asarray(self.otherwise, dtype=x.dtype))

    def onnx(self, g: Builder, when: Value, x: Value) -> Value:
        """Emit Where."""
        dtype = g.dtype(x)
        return g.Where(when, x, g.constant(np.asarray([self.otherwise], dtype=DTYPES[dtype]), dtype))
