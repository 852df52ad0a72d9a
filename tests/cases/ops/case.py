"""How one op is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from support.graphs import Chain, after, assert_same, images, one_step

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


SUBNORMAL = float(np.finfo(np.float32).tiny)
"""The smallest normal number. Below it, vector kernels of some CPUs give 0, in ONNX Runtime as in torch."""


@dataclass(frozen=True)
class Case:
    """One row: an op, an input and the expected result.

    Attributes:
        op: the op, or a function of the input's height and width that makes it.
        shape: the input's shape without a batch axis.
        layout: the input's layout.
        oracle: computes the expected result from an input with any leading axes.
        note: what the row is about; unique together with the op's name.
        dtype: the input's element type.
        portable: whether the op alone can be written for `portable` (float64 arithmetic cannot).
        reference: whether onnx.reference is exact and quick on it.
        operands: ops, or chains of ops, that make the op's operands from the input; None for the input
            itself, () for an op without operands.
        whole: (low, high) for an input of whole numbers from low to below high, instead of noise.
        within: the largest difference from the oracle's results, relative to these; 0 for the same bits.
        cause: why `within` is not 0.
    """

    op: Op | Callable[[Num, Num], Op]
    shape: tuple[int, ...]
    layout: str
    oracle: Callable[[Array], Array]
    note: str
    dtype: str = "u8"
    portable: bool = True
    reference: bool = True
    operands: tuple[Chain, ...] | None = None
    whole: tuple[int, int] | None = None
    within: float = 0
    cause: str = ""

    def __post_init__(self) -> None:
        assert bool(self.within) == bool(self.cause), "a bound has a cause"

    def __str__(self) -> str:
        return f"{self.bound().name}-{self.note}"

    def inputs(self, count: int) -> Array:
        """Return different inputs, along an axis in front."""
        if self.whole is None:
            return images(count, *self.shape, dtype=self.dtype)
        numbers = np.random.default_rng((count, *self.shape)).integers(*self.whole, (count, *self.shape))
        return numbers.astype(DTYPES[self.dtype])

    def compare(self, found: Array, expected: Array, what: str) -> None:
        """Assert that results are the oracle's: the same type, shape and bits, or within the bound."""
        if not self.within:
            return assert_same(found, expected, what)
        assert found.dtype == expected.dtype, what
        message = f"{what} ({self.cause})"
        np.testing.assert_allclose(found, expected, rtol=self.within, atol=SUBNORMAL, strict=True, err_msg=message)

    def bound(self) -> Op:
        """Return the op for this row's sizes."""
        return self._made(self.op)

    def operands_of(self, x: Array) -> list[Array]:
        """Return the op's operands for an input with any leading axes."""
        if self.operands is None:
            return [x]
        return [after(chain, x, self._made) for chain in self.operands]

    def program(self) -> Program:
        """Return the op alone, for inputs of any height and width."""
        return one_step(self.op, self.dtype, self.shape, self.layout, self.operands)

    def _made(self, op: Op | Callable[[Num, Num], Op]) -> Op:
        return op if isinstance(op, Op) else op(self.shape[self.layout.index("H")], self.shape[self.layout.index("W")])
