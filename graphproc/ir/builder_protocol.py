"""Define what an op's `onnx` rule may ask of an emitter.

It may ask for standard ONNX operators, constants, size expressions and scopes. Op files use this
handle and never import onnx. So the IR stays light, and an emitter can be replaced.
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
"""A function that emits a reshape of a value, or of a part of it.

For a part, its second argument is the length of the part's last axis; for a whole value it is None.
"""


class Builder(Protocol):
    """Emit nodes of a graph. `g.<OnnxOp>(*inputs, **attributes)` emits any ONNX operator.

    Inputs are values, numpy arrays (which become shared initializers) or None for an omitted
    optional input. Arithmetic on constants is done while emitting, and its result is a constant.
    """

    target: str
    """What the graph is written for: `cpu`, `cuda` or `portable`."""
    opset: int
    leading: int
    """The number of batch axes in front of an IR value's own axes."""

    @property
    def pixel_dtype(self) -> str:
        """Return the IR dtype that uint8 pixels have in the graph.

        It is `f32` where the target has no uint8 arithmetic.
        """

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        """Emit the ONNX operator of that name; return its value, or a tuple with `outputs=n`."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Prefix the names of nodes and values emitted inside with `name/`."""

    def note(self, about: str, choice: str, reason: str = "") -> None:
        """Record a choice between ways to emit the same results.

        `graphproc inspect --why` prints it.
        """

    def as_num(self, value: Value, low: int = 0) -> Num:
        """Return a number that stands for an int64 tensor of shape [1].

        Size expressions may contain the number. `low` is the least that it can be.
        """

    def num(self, x: Num | Bool) -> Value:
        """Emit a number or expression as a tensor of shape [1]: int64, float64 or bool.

        Equal expressions share nodes.
        """

    def symbol(self, name: str, value: Value) -> None:
        """Record which int64 tensor of shape [1] holds a symbol from here on."""

    def vector(self, *items: Num | Value) -> Value:
        """Emit numbers, expressions and int64 tensors of rank 1, concatenated to one int64 vector."""

    def range(self, length: Num | Value, dtype: str) -> Value:
        """Emit `[0, 1, ..., length - 1]`, a vector of that IR dtype."""

    def cast(self, x: Value, dtype: str) -> Value:
        """Convert to an IR dtype; emit nothing when the value already has it."""

    def constant(self, value: Any, dtype: str) -> Value:
        """Make an initializer of that IR dtype."""

    def full(self, shape: Value, value: float, dtype: str) -> Value:
        """Emit `ConstantOfShape`: a tensor with one value of that IR dtype everywhere.

        `shape` is an int64 vector.
        """

    def dtype(self, x: Value) -> str:
        """Return the IR dtype of a value."""

    def type_of(self, x: Value) -> TensorType:
        """Return the IR type of a step's operand.

        The graph's value has `leading` more axes in front.
        """

    def with_type(self, x: Value, type: TensorType) -> Value:
        """Record the IR type of a value and return it."""

    def apply(self, op: Op, x: Value, type: TensorType) -> Value:
        """Emit another op's rule on a value of the given IR type."""

    def cond(
        self,
        condition: Bool | Value,
        then: Callable[[], Value],
        otherwise: Callable[[], Value],
        names: tuple[str, str] = ("then", "else"),
    ) -> Value:
        """Emit `If`, with both branches as subgraphs of these names.

        If the condition is a Python bool, emit only the branch that it selects, in place.
        """

    def scan(self, rows: Sequence[Value], body: Callable[..., Value], axis: int = 0, rank: int | None = None) -> Value:
        """Emit `Scan`: stack `body(*row)` for each row of the inputs, along a new axis.

        The inputs have equally many rows. `rank` is the number of axes of the body's result.
        """

    def sequence(self, dtype: str) -> Value:
        """Emit an empty sequence of tensors of an IR dtype."""

    def loop(
        self,
        count: Value,
        start: Sequence[Value],
        body: Callable[..., tuple[Sequence[Value], Sequence[Value]]],
        name: str = "loop",
    ) -> tuple[list[Value], list[Value]]:
        """Emit `Loop`: run a body a number of times.

        Args:
            count: how often, an int64 scalar.
            start: the carried values before the first run.
            body: gets the index, an int64 scalar, and the carried values; returns the next carried
                values, and the values to stack.
            name: the scope.

        Returns:
            The carried values after the last run, and the stacked values.
        """

    def hoist(self, x: Value, move: Move, merged: int = 0) -> Value:
        """Reshape an output's value before the arithmetic with constants that produces it.

        The node that writes the output then needs no copy. `merged` is the axis, counted from the
        end, that `move` merges with another, or 0. The reshape does not move past constants that
        vary along this axis.
        """
