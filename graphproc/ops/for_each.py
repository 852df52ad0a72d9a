"""Run a chain of ops once for each of several places of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("for_each")
@dataclass(frozen=True, slots=True)
class ForEach(Op):
    """Stack the results of `body` for `index` = 0 .. `count` - 1.

    The body is a chain of ops with one operand each. Their fields may contain the symbol `index`:
    for example, a crop at a place that depends on the index, then the ops applied to each crop.
    Crops may differ in size if their results do not. Without an operand, the body is one op without
    operands: numbers that depend on the index.

    Shapes:   (..., C, H, W), or no operand -> (..., count, *the body's): a new axis N of tiles.
    Dtypes:   those of the body.
    Rounding: that of the body.
    Source:   the loops over crops in transformers' tiling processors.

    Attributes:
        count: how often; even if this is 0, the body must be valid for index 0.
        body: the chain.
        index: the symbol's name.
        known: the sizes that are known already, by name; filled in by `bind`.
    """

    count: Num
    body: tuple[Op, ...]
    index: str = "index"
    known: tuple[tuple[str, int], ...] = ()

    def infer(self, *operand: TensorType) -> TensorType:
        """Return the type of the body's result with N in front."""
        for given in operand:
            require_layout(self, given, "CHW")
        if not operand and len(self.body) > 1:
            raise ShapeError(f"for_each: expected one op in a body without an operand, got {len(self.body)}")
        body = self._bound(0) if self.known else self.body
        x = body[0].infer(*operand)
        for step in body[1:]:
            x = step.infer(x)
        if self.index in {s for size in x.shape for s in num.symbols(size)}:
            raise ShapeError(f"for_each: expected results of one shape, got {x}, which depends on {self.index}")
        return TensorType(x.dtype, (self.count, *x.shape), f"N{x.layout}" if x.layout else "")

    def bind(self, values: Mapping[str, int], memo: dict[num.Sym, Any] | None = None) -> Op:
        """Return the op with known sizes.

        The body is bound later, when the index is known as well.
        """
        return replace(self, count=num.evaluate(self.count, values, memo), known=tuple(sorted(values.items())))

    def _chains(self) -> list[list[Op]]:
        """Return the bound body of each index; that of index 0 if `count` is 0."""
        return [self._bound(index) for index in range(max(num.known(self.count), 1))]

    def _bound(self, index: int) -> list[Op]:
        """Return the body, bound for an index."""
        return [step.bind({**dict(self.known), self.index: index}) for step in self.body]

    def numpy(self, *operand: Array, applied: Callable[..., Array] = lambda op, *operands: op.numpy(*operands)) -> Array:
        """Run the body for one index after another; `applied` applies an op to arrays."""
        results = []
        for first, *rest in self._chains():
            y = applied(first, *operand)
            for step in rest:
                y = applied(step, y)
            results.append(y)
        lead = operand[0].ndim - 3 if operand else 0
        return np.stack(results, axis=lead)[(slice(None),) * lead + (slice(num.known(self.count)),)]

    def onnx(self, g: Builder, *operand: Value) -> Value:
        """Emit the body for one index after another.

        It is written out if sizes are known, else it is a Scan over the indices.
        """
        axis = g.leading if operand else 0

        def emit(chain: Sequence[Op]) -> Value:
            if not operand:
                return chain[0].onnx(g)
            y, type = operand[0], g.type_of(operand[0])
            for step in chain:
                y = g.apply(step, y, type)
                type = step.infer(type)
            return y

        if isinstance(self.count, int) and self.known:
            rows = [g.Unsqueeze(emit(chain), g.vector(axis)) for chain in self._chains()]
            y = g.Concat(*rows, axis=axis) if len(rows) > 1 else rows[0]
        else:

            def at(index: Value) -> Value:
                g.symbol(self.index, g.Unsqueeze(index, g.vector(0)))
                return emit(self.body)

            rank = self.infer(*(g.type_of(value) for value in operand)).rank - 1 + axis
            y = g.scan([g.range(num.maximum(self.count, 1), "i64")], at, axis=axis, rank=rank)
        if num.low(self.count) >= 1:
            return y
        return g.Slice(y, g.vector(0), g.vector(self.count), g.vector(axis))
