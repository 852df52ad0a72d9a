"""The nearest pixels as torch picks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import DTYPES, TensorType
from graphproc.numerics.fused import multiply_add
from graphproc.ops.interpolate import SMALL
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("nearest")
@dataclass(frozen=True, slots=True)
class Nearest(Op):
    """Resample to `height` x `width` pixels, each the one at its corner's place in the input, or at its centre's.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   any; unchanged.
    Rounding: `floor(position * (input / output))`, the quotient and the product in float32; centres lie half a pixel further.
              Where the result's sides are more than 128 together, the centres' places are computed as linear interpolation
              computes them and moved back: `floor(float32(position * quotient - 0.5) + 0.5)`, the first rounded once, the second
              in float64 and to float32; the quotient and the first are float64 for pixels of float64.
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
        sides = ((-2, self.height), (-1, self.width))
        real = np.float64 if x.dtype == np.float64 else np.float32
        large = num.known(self.height) + num.known(self.width) > SMALL
        rows, columns = (self._places(x.shape[axis], num.known(side), large, real) for axis, side in sides)
        return np.ascontiguousarray(x[..., rows[:, None], columns])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Gather along one axis, then the other."""
        t, y = g.type_of(x), x
        for letter, side in (("H", self.height), ("W", self.width)):
            if t.size(letter) != side:
                places = self._emit_places(g, t.size(letter), side, t.dtype)
                y = g.Gather(y, places, axis=t.rank + g.leading + t.axis(letter))
        return g.Identity(y) if y is x else y  # a value has one type

    def _emit_places(self, g: Builder, n_in: Num, n_out: Num, dtype: str) -> Value:
        large = self.height + self.width > SMALL
        real = "f64" if dtype == "f64" else "f32"
        if isinstance(n_in, int) and isinstance(n_out, int) and isinstance(large, bool):
            return g.constant(self._places(n_in, n_out, large, DTYPES[real].type), "i64")
        scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
        positions = g.range(n_out, "f32")
        positions = g.Add(positions, g.constant([0.5], "f32")) if self.centered else positions
        near = g.Mul(positions, scale)
        if self.centered and large is not False:
            half = g.constant([0.5], "f64")
            scale = scale if real == "f32" else g.Div(g.cast(g.num(n_in), "f64"), g.cast(g.num(n_out), "f64"))
            far = g.cast(g.Sub(g.Mul(g.cast(positions, "f64"), g.cast(scale, "f64")), half), real)
            far = g.cast(g.Add(g.cast(far, "f64"), half), "f32")
            near = far if large is True else g.Where(g.num(large), far, near)
        return g.Min(g.cast(g.Floor(near), "i64"), g.num(n_in - 1))

    def _places(self, n_in: int, n_out: int, large: bool, real: Any) -> Array:
        """The input pixel of each output pixel of one axis."""
        if self.centered and large:
            places = multiply_add(real(n_in) / real(n_out), np.arange(n_out) + 0.5, -0.5, real)
            places = (places.astype(np.float64) + 0.5).astype(np.float32)
        else:
            positions = np.arange(n_out, dtype=np.float32) + np.float32(0.5 if self.centered else 0.0)
            places = positions * (np.float32(n_in) / np.float32(n_out))
        return np.asarray(np.minimum(np.floor(places).astype(np.int64), n_in - 1))
