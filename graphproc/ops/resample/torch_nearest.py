"""Pick the nearest pixels as torch does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.ir.types import DTYPES
from graphproc.numerics.filters import NEAREST
from graphproc.numerics.fused import multiply_add
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.torch_floats import AT_ONCE_SIDES
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample

TORCH_NEAREST, NEAREST_EXACT = "torch_nearest", "nearest-exact"


class TorchNearest(Arithmetic):
    """Pick, for each output, one pixel of the input.

    It is the pixel at the place of the output's corner (`nearest`) or of its centre
    (`nearest-exact`).

    Rounding: `floor(position * (input / output))`, with the quotient and the product in float32.
              Centres lie half a pixel further. If the result's height and width are more than 128
              together, the places of centres are computed as in linear interpolation and moved
              back: `floor(float32(position * quotient - 0.5) + 0.5)`. The inner expression is
              rounded once. The outer sum is computed in float64 and rounded to float32. For float64
              pixels, the quotient and the inner expression are float64.
    Source:   `torch.nn.functional.interpolate(mode="nearest")` and `"nearest-exact"`.
    """

    name = TORCH_NEAREST
    plain = (NEAREST, NEAREST_EXACT)

    def numpy(self, op: Resample, x: Array) -> Array:
        """Index by both axes."""
        sides = ((-2, op.height), (-1, op.width))
        real = np.float64 if x.dtype == np.float64 else np.float32
        large = num.known(op.height) + num.known(op.width) > AT_ONCE_SIDES
        rows, columns = (_places(x.shape[axis], num.known(side), op.filter == NEAREST_EXACT, large, real) for axis, side in sides)
        return np.ascontiguousarray(x[..., rows[:, None], columns])

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit a Gather along one axis, then along the other."""
        t, y = g.type_of(x), x
        for letter, side in (("H", op.height), ("W", op.width)):
            if t.size(letter) != side:
                places = _emit_places(op, g, t.size(letter), side, t.dtype)
                y = g.Gather(y, places, axis=t.rank + g.leading + t.axis(letter))
        return g.Identity(y) if y is x else y  # each graph value has one IR type, so the result is another value


def _emit_places(op: Resample, g: Builder, n_in: Num, n_out: Num, dtype: str) -> Value:
    """Emit the nodes of `_places`, or a constant."""
    centered, large = op.filter == NEAREST_EXACT, op.height + op.width > AT_ONCE_SIDES
    real = "f64" if dtype == "f64" else "f32"
    if isinstance(n_in, int) and isinstance(n_out, int) and isinstance(large, bool):
        return g.constant(_places(n_in, n_out, centered, large, DTYPES[real].type), "i64")
    scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
    positions = g.range(n_out, "f32")
    positions = g.Add(positions, g.constant([0.5], "f32")) if centered else positions
    near = g.Mul(positions, scale)
    if centered and large is not False:
        half = g.constant([0.5], "f64")
        scale = scale if real == "f32" else g.Div(g.cast(g.num(n_in), "f64"), g.cast(g.num(n_out), "f64"))
        far = g.cast(g.Sub(g.Mul(g.cast(positions, "f64"), g.cast(scale, "f64")), half), real)
        far = g.cast(g.Add(g.cast(far, "f64"), half), "f32")
        near = far if large is True else g.Where(g.num(large), far, near)
    return g.Min(g.cast(g.Floor(near), "i64"), g.num(n_in - 1))


def _places(n_in: int, n_out: int, centered: bool, large: bool, real: Any) -> Array:
    """Return the input pixel of each output pixel of one axis, int64."""
    if centered and large:
        places = multiply_add(real(n_in) / real(n_out), np.arange(n_out) + 0.5, -0.5, real)
        places = (places.astype(np.float64) + 0.5).astype(np.float32)
    else:
        positions = np.arange(n_out, dtype=np.float32) + np.float32(0.5 if centered else 0.0)
        places = positions * (np.float32(n_in) / np.float32(n_out))
    return np.asarray(np.minimum(np.floor(places).astype(np.int64), n_in - 1))
