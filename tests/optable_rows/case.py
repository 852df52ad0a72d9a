"""How one op is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from graphs import arity, one_step

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        op: the op, or a function of the input's height and width that makes it.
        shape: the input's shape without a batch axis.
        layout: the input's layout.
        oracle: from an input (with any leading axes) to the expected result, also where sizes alone decide it.
        note: what the row is about; with the op's name, unique.
        dtype: the input's element type.
        portable: whether the op alone can be written for `portable` (float64 arithmetic cannot).
        reference: whether onnx.reference is exact and quick on it.
        operands: ops that make the op's operands of the input; None for the input itself, () for an op without operands.
    """

    op: Op | Callable[[Num, Num], Op]
    shape: tuple[int, ...]
    layout: str
    oracle: Callable[[Array], Array]
    note: str
    dtype: str = "u8"
    portable: bool = True
    reference: bool = True
    operands: tuple[Op | Callable[[Num, Num], Op], ...] | None = None

    def bound(self) -> Op:
        """The op for this row's sizes."""
        return self._made(self.op)

    def operands_of(self, x: Array) -> list[Array]:
        """What the op takes, of an input with any leading axes."""
        if self.operands is None:
            return [x]
        return [op.numpy(*[x][: arity(op)]) for op in map(self._made, self.operands)]

    def program(self) -> Program:
        """The op alone, for inputs of any height and width."""
        return one_step(self.op, self.dtype, self.shape, self.layout, self.operands)

    def _made(self, op: Op | Callable[[Num, Num], Op]) -> Op:
        return op if isinstance(op, Op) else op(self.shape[self.layout.index("H")], self.shape[self.layout.index("W")])
