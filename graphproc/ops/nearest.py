"""The nearest pixels as torch picks them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("nearest")
@dataclass(frozen=True, slots=True)
class Nearest(Op):
    """Resample to `height` x `width` pixels, each the one at its corner's place in the input, or at its centre's.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   any; unchanged.
    Rounding: `floor(position * (input / output))`, the quotient and the product in float32; centres lie half a pixel further.
    Source:   `torch.nn.functional.interpolate(mode="nearest")` and `"nearest-exact"`.

    Attributes:
        height, width: the result's sides, in pixels.
        centered: whether the centre decides.
    """

    height: Num
    width: Num
    centered: bool = False

    def infer(self, x: TensorType) -> TensorType:
        """The result's sides."""
        require_layout(self, x, "CHW")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"nearest: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Indexing by both axes."""
        rows, columns = (self._places(x.shape[axis], num.known(side)) for axis, side in ((-2, self.height), (-1, self.width)))
        return np.ascontiguousarray(x[..., rows[:, None], columns])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Gather along one axis, then the other."""
        t, y = g.type_of(x), x
        for letter, side in (("H", self.height), ("W", self.width)):
            if t.size(letter) != side:
                places = self._emit_places(g, t.size(letter), side)
                y = g.Gather(y, places, axis=t.rank + g.leading + t.axis(letter))
        return g.Identity(y) if y is x else y  # a value has one type

    def _emit_places(self, g: Builder, n_in: Num, n_out: Num) -> Value:
        if isinstance(n_in, int) and isinstance(n_out, int):
            return g.constant(self._places(n_in, n_out), "i64")
        scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
        positions = g.range(n_out, "f32")
        positions = g.Add(positions, g.constant([0.5], "f32")) if self.centered else positions
        return g.Min(g.cast(g.Floor(g.Mul(positions, scale)), "i64"), g.num(n_in - 1))

    def _places(self, n_in: int, n_out: int) -> Array:
        """The input pixel of each output pixel of one axis."""
        scale = np.float32(n_in) / np.float32(n_out)
        positions = np.arange(n_out, dtype=np.float32) + np.float32(0.5 if self.centered else 0.0)
        return np.asarray(np.minimum(np.floor(positions * scale).astype(np.int64), n_in - 1))
