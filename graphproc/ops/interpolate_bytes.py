"""Linear and cubic interpolation of bytes as torch does it: in integers, without antialiasing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import LARGEST_WEIGHT, PRECISION_BITS
from graphproc.numerics.interpolation import byte_taps
from graphproc.ops.interpolate import along_both, column
from graphproc.sizes import num
from graphproc.sizes.num import Num

MODES = ("linear", "align_corners", "cubic")


@op("interpolate_bytes")
@dataclass(frozen=True, slots=True)
class InterpolateBytes(Op):
    """Resample bytes to `height` x `width` pixels, along the rows first, from the pixels next to each place.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   u8; unchanged.
    Rounding: weights of as many bits as fit 16, as antialiased ones of torchvision; bytes after each of the two passes.
    Source:   `torch.nn.functional.interpolate(mode="bilinear")` and `"bicubic"` of uint8, which torchvision's
              `resize(antialias=False)` calls; see `graphproc.numerics.interpolation.byte_taps`.

    Attributes:
        height, width: the result's sides, in pixels.
        mode: `linear`, of two pixels a side, or `cubic`, of four, whatever the reduction; `align_corners` is linear between the
            centres of the corners' pixels.
    """

    height: Num
    width: Num
    mode: str

    def infer(self, x: TensorType) -> TensorType:
        """The result's sides."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        if self.mode not in MODES:
            raise ShapeError(f"interpolate_bytes: expected a mode of {list(MODES)}, got {self.mode!r}")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"interpolate_bytes: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """One axis after the other, in int64."""
        for axis, side in ((-1, self.width), (-2, self.height)):
            index, weights, bits = byte_taps(x.shape[axis], num.known(side), self.mode)
            pixels = np.moveaxis(x, axis, -1)[..., index].astype(np.int64)
            total = (pixels * weights).sum(-1) + (1 << bits >> 1)
            x = np.moveaxis(np.clip(total >> bits, 0, 255).astype(np.uint8), -1, axis)
        return np.ascontiguousarray(x)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Rows gathered on the image's transpose; integers in float32, whose sums stay below 2**24."""
        t = g.type_of(x)
        sides = {"H": (t.size("H"), self.height), "W": (t.size("W"), self.width)}

        def emit(rows: Value, axis: str) -> Value:
            taps, unit = _taps(g, *sides[axis], self.mode)
            terms = [g.Mul(g.cast(g.Gather(rows, place, axis=0), "f32"), weight) for place, weight in taps]
            total = terms[0]
            for term in terms[1:]:
                total = g.Add(total, term)
            half = g.constant(0.5, "f32")
            whole = g.Floor(g.Add(g.Div(total, unit), half))
            return g.cast(g.Clip(whole, g.constant(0, "f32"), g.constant(255, "f32")), g.pixel_dtype)

        return along_both(g, x, (self.height, self.width), emit, ("W", "H"))


def _taps(g: Builder, n_in: Num, n_out: Num, mode: str) -> tuple[list[tuple[Value, Value]], Value]:
    """The rows `[outputs]` and weights `[outputs, 1]`, whole numbers in float32, of each tap; and what they add up to, about."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        index, values, bits = byte_taps(n_in, n_out, mode)
        taps = [(g.constant(i, "i64"), g.constant(v[:, None], "f32")) for i, v in zip(index.T, values.T, strict=True)]
        return taps, g.constant(1 << bits, "f32")
    half, zero, one = (g.constant([v], "f64") for v in (0.5, 0.0, 1.0))
    last = g.cast(g.num(n_in - 1), "f64")
    if mode == "align_corners":
        # Of one output, the position is 0 whatever it is multiplied by.
        position = g.Mul(g.num((n_in - 1) / num.maximum(n_out - 1, 1)), g.range(n_out, "f64"))
    else:
        scale = g.Div(g.cast(g.num(n_in), "f64"), g.cast(g.num(n_out), "f64"))
        position = g.Sub(g.Mul(scale, g.Add(g.range(n_out, "f64"), half)), half)
    if mode == "linear":
        position = g.Max(position, zero)
    low = g.Min(g.Floor(position), last)
    part = g.Min(g.Max(g.Sub(position, low), zero), one)
    weights = [g.Sub(one, part), part] if mode != "cubic" else _cubic(g, part)
    first = -(len(weights) // 2) + 1
    places = [g.Max(g.Min(g.Add(low, g.constant([first + k], "f64")), last), zero) for k in range(len(weights))]
    # Taps outside the image belong to its outermost pixels: the last tap of each pixel has the weights of all.
    same = [g.cast(g.Equal(place, following), "f64") for place, following in pairwise(places)]
    for k, of_previous in enumerate(same, 1):
        weights[k] = g.Add(weights[k], g.Mul(weights[k - 1], of_previous))
    largest = g.Max(*(g.ReduceMax(w, g.vector(0)) if g.opset >= 18 else g.ReduceMax(w, axes=[0]) for w in weights))
    merged = [g.Mul(w, g.Sub(one, following)) for w, following in zip(weights, same, strict=False)] + weights[-1:]
    powers = 2.0 ** np.arange(PRECISION_BITS)
    reached = g.GreaterOrEqual(largest, g.constant((LARGEST_WEIGHT - 0.5) / (2 * powers), "f64"))
    units = g.Where(reached, g.constant(powers, "f64"), g.constant([1 << PRECISION_BITS], "f64"))
    unit = g.ReduceMin(units, g.vector(0)) if g.opset >= 18 else g.ReduceMin(units, axes=[0])
    found = []
    for place, weight in zip(places, merged, strict=True):
        scaled = g.Mul(weight, unit)
        whole = g.cast(g.Add(scaled, g.Mul(g.Sign(scaled), half)), "i32")  # half away from zero
        found.append((g.cast(place, "i64"), column(g, g.cast(whole, "f32"))))
    return found, g.cast(unit, "f32")


def _cubic(g: Builder, part: Value) -> list[Value]:
    """Keys' kernel with a = -0.75, float64, in the order of `byte_taps`."""

    def number(value: float) -> Value:
        return g.constant([value], "f64")

    def near(x: Value) -> Value:
        return g.Add(g.Mul(g.Mul(g.Sub(g.Mul(number(1.25), x), number(2.25)), x), x), number(1.0))

    def far(x: Value) -> Value:
        inner = g.Add(g.Mul(g.Sub(g.Mul(number(-0.75), x), number(-3.75)), x), number(-6.0))
        return g.Sub(g.Mul(inner, x), number(-3.0))

    rest = g.Sub(number(1.0), part)
    return [far(g.Add(part, number(1.0))), near(part), near(rest), far(g.Add(rest, number(1.0)))]
