"""List the positions of the cells of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

Order = Literal["yx", "xy"]
_MORE = 2**62  # more rows than any grid has


@op("indices")
@dataclass(frozen=True, slots=True)
class Indices(Op):
    """Return the position of each cell of a grid, row by row.

    A position is (row, column) for the `order` yx, (column, row) for xy. Counting starts at
    `first`.

    Shapes:   no operand -> (rows * columns, 2), with axes named by `layout`.
    Dtypes:   `dtype`: i32, i64 or f32.
    Rounding: none; positions are whole and below 2**24.
    Source:   numpy.indices.
    """

    rows: Num
    columns: Num
    first: int = 0
    order: Order = "yx"
    dtype: str = "i64"
    layout: str = "PF"

    def infer(self) -> TensorType:
        """Return the type with one row for each cell."""
        if self.order not in ("yx", "xy"):
            raise ShapeError(f"indices: expected the order yx or xy, got {self.order!r}")
        if self.dtype not in ("i32", "i64", "f32"):
            raise ShapeError(f"indices: expected i32, i64 or f32, got {self.dtype!r}")
        return TensorType(self.dtype, (self.rows * self.columns, 2), self.layout)

    def numpy(self) -> Array:
        """Apply `numpy.indices`, and flatten the cells."""
        cells = np.indices((num.known(self.rows), num.known(self.columns))).reshape(2, -1).T + self.first
        return np.ascontiguousarray(cells[:, ::-1] if self.order == "xy" else cells, dtype=DTYPES[self.dtype])

    def onnx(self, g: Builder) -> Value:
        """Emit a constant, or arithmetic on the numbers of the cells.

        Cell i has the row `i // columns % infinity` and the column `i // 1 % columns`, so that both
        are computed at once.
        """
        if isinstance(self.rows, int) and isinstance(self.columns, int):
            return g.constant(self.numpy(), self.dtype)
        cells = g.Unsqueeze(g.range(self.rows * self.columns, "i64"), g.vector(1))
        columns = num.maximum(self.columns, 1)  # runtimes refuse to divide by 0, even where there is nothing to divide
        step = -1 if self.order == "xy" else 1
        cells = g.Mod(g.Div(cells, g.vector(*(columns, 1)[::step])), g.vector(*(_MORE, columns)[::step]))
        return g.cast(g.Add(cells, g.constant([self.first], "i64")) if self.first else cells, self.dtype)
