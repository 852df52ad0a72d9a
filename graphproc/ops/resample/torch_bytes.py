"""Resample bytes as torch does, in integers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op
from graphproc.numerics.filters import ANTIALIASED, LARGEST_WEIGHT, PRECISION_BITS, TORCH_BYTES
from graphproc.numerics.interpolation import ALIGNED, byte_taps
from graphproc.ops.lowered.resize import Resize
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.both_axes import along_both, column
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample


class TorchBytes(Arithmetic):
    """Resample bytes as torch does.

    Antialiased filters are Pillow's; the others read two or four pixels along each axis.

    Rounding: weights of as many bits as fit 16; bytes after each of the two axis steps, along the rows
              first.
    Source:   `torch.nn.functional.interpolate` of uint8, which torchvision's `resize` calls;
              written out in `graphproc.numerics.filters` and
              `graphproc.numerics.interpolation.byte_taps`.
    """

    name = TORCH_BYTES
    antialiased = ANTIALIASED[TORCH_BYTES]
    plain = ("bilinear", ALIGNED, "bicubic")
    dtypes = ("u8",)

    def numpy(self, op: Resample, x: Array) -> Array:
        """Apply the lowered op's rule.

        Without antialiasing, resample one axis after the other, in int64.
        """
        if (same := self.lowered(op)) is not None:
            return same.numpy(x)
        for axis, side in ((-1, op.width), (-2, op.height)):
            index, weights, bits = byte_taps(x.shape[axis], num.known(side), op.filter)
            pixels = np.moveaxis(x, axis, -1)[..., index].astype(np.int64)
            total = (pixels * weights).sum(-1) + (1 << bits >> 1)
            x = np.moveaxis(np.clip(total >> bits, 0, 255).astype(np.uint8), -1, axis)
        return np.ascontiguousarray(x)

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit the lowered op's rule.

        Without antialiasing, emit a Gather of rows, on the image's transpose for the horizontal
        axis. Integers are held in float32, and their sums stay below 2**24.
        """
        if (same := self.lowered(op)) is not None:
            return same.onnx(g, x)
        t = g.type_of(x)
        sides = {"H": (t.size("H"), op.height), "W": (t.size("W"), op.width)}

        def emit(rows: Value, axis: str) -> Value:
            taps, unit = _taps(g, *sides[axis], op.filter)
            terms = [g.Mul(g.cast(g.Gather(rows, place, axis=0), "f32"), weight) for place, weight in taps]
            total = terms[0]
            for term in terms[1:]:
                total = g.Add(total, term)
            half = g.constant(0.5, "f32")
            whole = g.Floor(g.Add(g.Div(total, unit), half))
            return g.cast(g.Clip(whole, g.constant(0, "f32"), g.constant(255, "f32")), g.pixel_dtype)

        return along_both(g, x, (op.height, op.width), emit, ("W", "H"))

    def lowered(self, op: Resample) -> Op | None:
        """Return the resize of the whole image if it is antialiased, else None."""
        return Resize(op.height, op.width, op.filter, TORCH_BYTES) if op.antialias else None


def _taps(g: Builder, n_in: Num, n_out: Num, filter: str) -> tuple[list[tuple[Value, Value]], Value]:
    """Emit the rows `[outputs]` and weights `[outputs, 1]` of each tap, and the weights' unit.

    Weights are whole numbers in float32. The unit is the weight of a whole pixel, to which an
    output's weights add up, except for rounding.
    """
    if isinstance(n_in, int) and isinstance(n_out, int):
        index, values, bits = byte_taps(n_in, n_out, filter)
        taps = [(g.constant(i, "i64"), g.constant(v[:, None], "f32")) for i, v in zip(index.T, values.T, strict=True)]
        return taps, g.constant(1 << bits, "f32")
    half, zero, one = (g.constant([v], "f64") for v in (0.5, 0.0, 1.0))
    last = g.cast(g.num(n_in - 1), "f64")
    if filter == ALIGNED:
        # With one output, the position is 0, and the scale does not matter.
        position = g.Mul(g.num((n_in - 1) / num.maximum(n_out - 1, 1)), g.range(n_out, "f64"))
    else:
        scale = g.Div(g.cast(g.num(n_in), "f64"), g.cast(g.num(n_out), "f64"))
        position = g.Sub(g.Mul(scale, g.Add(g.range(n_out, "f64"), half)), half)
    if filter == "bilinear":
        position = g.Max(position, zero)
    low = g.Min(g.Floor(position), last)
    part = g.Min(g.Max(g.Sub(position, low), zero), one)
    weights = [g.Sub(one, part), part] if filter != "bicubic" else _cubic(g, part)
    first = -(len(weights) // 2) + 1
    places = [g.Max(g.Min(g.Add(low, g.constant([first + k], "f64")), last), zero) for k in range(len(weights))]
    # Taps outside the image read its outermost pixels: the last tap of each pixel has the weights of all.
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
    """Emit Keys' filter with a = -0.75, float64, in the order of `byte_taps`."""

    def number(value: float) -> Value:
        return g.constant([value], "f64")

    def near(x: Value) -> Value:
        return g.Add(g.Mul(g.Mul(g.Sub(g.Mul(number(1.25), x), number(2.25)), x), x), number(1.0))

    def far(x: Value) -> Value:
        inner = g.Add(g.Mul(g.Sub(g.Mul(number(-0.75), x), number(-3.75)), x), number(-6.0))
        return g.Sub(g.Mul(inner, x), number(-3.0))

    rest = g.Sub(number(1.0), part)
    return [far(g.Add(part, number(1.0))), near(part), near(rest), far(g.Add(rest, number(1.0)))]
