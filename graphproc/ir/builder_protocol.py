"""What an op's `onnx` rule may ask of an emitter: standard ONNX operators, constants, size expressions and scopes.

Op files talk to this handle and never import onnx, so the IR stays light and an emitter can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.sizes.num import Bool, Num

Value = Any
"""A tensor in the graph under construction."""
Move = Callable[[Value, Num | None], Value]
"""Emits a reshape of a value, or of a part of it; then it gets the length of the part's last axis."""


class Builder(Protocol):
    """The handle that emits nodes. `g.<OnnxOp>(*inputs, **attributes)` emits any ONNX operator.

    Inputs are values, numpy arrays (which become shared initializers) or None for an omitted optional input.
    Arithmetic on constants is done while emitting and gives a constant.
    """

    target: str
    """`cpu`, `cuda` or `portable`."""
    opset: int
    leading: int
    """How many batch axes stand in front of an IR value's own."""

    @property
    def pixel_dtype(self) -> str:
        """The IR dtype that uint8 pixels have in the graph: `f32` where the target has no uint8 arithmetic."""

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        """Emit the ONNX operator of that name; returns its value, or a tuple with `outputs=n`."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Prefix the names of nodes and values emitted inside with `name/`."""

    def note(self, about: str, choice: str, reason: str = "") -> None:
        """Record a choice between ways to emit the same results, for `graphproc inspect --why`."""

    def measured(self, value: Value, low: int = 0) -> Num:
        """An int64 tensor of shape [1], at least `low`, as a number that size expressions may contain."""

    def num(self, x: Num | Bool) -> Value:
        """A number or expression as a tensor of shape [1]: int64, float64 or bool; equal expressions share nodes."""

    def symbol(self, name: str, value: Value) -> None:
        """Say which int64 tensor of shape [1] holds a symbol from here on."""

    def vector(self, *items: Num | Value) -> Value:
        """Numbers, expressions and int64 tensors of rank 1, concatenated to one int64 vector."""

    def range(self, length: Num | Value, dtype: str) -> Value:
        """`[0, 1, ..., length - 1]` as a vector of that IR dtype."""

    def cast(self, x: Value, dtype: str) -> Value:
        """Convert to an IR dtype; nothing when the value already has it."""

    def constant(self, value: Any, dtype: str) -> Value:
        """An initializer of that IR dtype."""

    def full(self, shape: Value, value: float, dtype: str) -> Value:
        """`ConstantOfShape`: a tensor of a shape, an int64 vector, of one value of that IR dtype."""

    def dtype(self, x: Value) -> str:
        """The IR dtype of a value."""

    def type_of(self, x: Value) -> TensorType:
        """The IR type of a step's operand; the graph's value has `leading` more axes in front."""

    def apply(self, op: Op, x: Value, type: TensorType) -> Value:
        """Emit another op's rule on a value of the given IR type."""

    def cond(
        self,
        condition: Bool | Value,
        then: Callable[[], Value],
        otherwise: Callable[[], Value],
        names: tuple[str, str] = ("then", "else"),
    ) -> Value:
        """`If`: emit both branches as subgraphs with these names; a Python bool emits one of them in place."""

    def scan(self, rows: Sequence[Value], body: Callable[..., Value], axis: int = 0, rank: int | None = None) -> Value:
        """`Scan`: stack `body(*row)` of a rank for each row of the inputs, which are equally long, along a new axis."""

    def sequence(self, dtype: str) -> Value:
        """An empty sequence of tensors of an IR dtype."""

    def loop(
        self,
        count: Value,
        start: Sequence[Value],
        body: Callable[..., tuple[Sequence[Value], Sequence[Value]]],
        name: str = "loop",
    ) -> tuple[list[Value], list[Value]]:
        """`Loop`: run a body a number of times.

        Args:
            count: how often, an int64 scalar.
            start: the carried values' first contents.
            body: gets the index, an int64 scalar, and the carried values; returns their next
                contents and what is stacked.
            name: the scope.

        Returns:
            The last contents of the carried values, and the stacked ones.
        """

    def hoist(self, x: Value, move: Move, merged: int = 0) -> Value:
        """Reshape a value that becomes an output, before the arithmetic with constants behind it.

        The node that writes the output then needs no copy. `merged` is the axis, counted from the
        end, that `move` merges with another, or 0; constants that vary along it are not passed.
        """
