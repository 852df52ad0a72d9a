"""Resample floats as scipy and scikit-image do.

Where the image shrinks, it is blurred by a Gaussian; then it is interpolated linearly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.numerics.gaussian import CUT_OFF
from graphproc.numerics.interpolation import grid_taps, mirrored
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.both_axes import along_both, column
from graphproc.ops.resample.gaussian import blurred, emit_blur, emit_mirrored
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample

SCIPY = "scipy"


class Scipy(Arithmetic):
    """Blur the image, interpolate linearly, and clip the result to the range of the input.

    The blur along the height has the standard deviation `max(0, (H / height - 1) / 2)` in pixels,
    and that along the width likewise.

    Rounding: weights and sums in float64; float32 after the blur of the columns, after that of the
              rows, and at the end. The Gaussian is within 2 units of float64's last place of
              scipy's. So one float32 in 10 million may differ in its last bit.
    Source:   transformers `resize` of Owlv2 (Pil backend): `scipy.ndimage.gaussian_filter` and
              `zoom(order=1, grid_mode=True)`, both with mode "mirror".
    """

    name = SCIPY
    antialiased = ("bilinear",)
    dtypes = ("f32",)

    def numpy(self, op: Resample, x: Array) -> Array:
        """Blur along both axes, weigh the four neighbours of each output, and clip."""
        height, width = num.known(op.height), num.known(op.width)
        pixels = x
        for axis, side in ((-2, height), (-1, width)):
            sigma = _sigma(x.shape[axis], side)
            pixels = blurred(pixels, axis, _known(sigma), num.known(_radius(sigma)))
        pixels = pixels.astype(np.float64)
        rows, vertical = grid_taps(x.shape[-2], height)
        columns, horizontal = grid_taps(x.shape[-1], width)
        terms = []
        for i in (0, 1):
            lines = pixels[..., rows[:, i], :]
            terms += [lines[..., columns[:, j]] * vertical[:, i : i + 1] * horizontal[:, j] for j in (0, 1)]
        total = ((terms[0] + terms[1]) + terms[2]) + terms[3]
        channels = x.shape[-3]  # scipy zooms along this axis, too, with weights of 1 and 0
        total = total + 0.0 * total[..., mirrored(np.arange(channels) + 1, channels), :, :]
        low, high = (f.reduce(x, axis=(-3, -2, -1), keepdims=True) for f in (np.fmin, np.fmax))
        return np.asarray(np.clip(total.astype(np.float32), low, high))

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit the same, with blurs only where the image may shrink."""
        t = g.type_of(x)
        sides = {"H": (t.size("H"), op.height), "W": (t.size("W"), op.width)}
        sigmas = {axis: _sigma(*sides[axis]) for axis in sides}

        def blur(rows: Value, axis: str) -> Value:
            return emit_blur(g, rows, sides[axis][0], sigmas[axis], _radius(sigmas[axis]))

        smooth = along_both(g, x, (t.size("H"), t.size("W")), blur, ("H", "W"))
        (top, bottom), vertical = _grid_taps(g, t.size("H"), op.height)
        (left, right), horizontal = _grid_taps(g, t.size("W"), op.width)
        axis = t.rank + g.leading - 2
        terms = []
        for rows, across in ((top, column(g, vertical[0])), (bottom, column(g, vertical[1]))):
            lines = g.cast(g.Gather(smooth, rows, axis=axis), "f64")
            for columns, along in ((left, horizontal[0]), (right, horizontal[1])):
                terms.append(g.Mul(g.Mul(g.Gather(lines, columns, axis=axis + 1), across), along))
        total = g.cast(g.Add(g.Add(g.Add(terms[0], terms[1]), terms[2]), terms[3]), "f32")
        return g.Min(g.Max(total, _over_image(g, "ReduceMin", x)), _over_image(g, "ReduceMax", x))


def _over_image(g: Builder, operator: str, x: Value) -> Value:
    """Emit a reduction over an image's three axes, which stay with one element."""
    reduce = getattr(g, operator)
    value: Value = reduce(x, g.vector(-3, -2, -1)) if g.opset >= 18 else reduce(x, axes=[-3, -2, -1])
    return value


def _sigma(n_in: Num, n_out: Num) -> Num:
    """Return the blur's standard deviation, in pixels."""
    return num.maximum(0.0, (n_in / n_out - 1) / 2)


def _known(x: Num) -> float:
    """Return a number that is known as a float."""
    assert not isinstance(x, num.Sym)
    return float(x)


def _radius(sigma: Num) -> Num:
    """Return how many pixels the blur reaches.

    It is 0 if the image does not shrink, or shrinks little.
    """
    return num.trunc(sigma * CUT_OFF + 0.5)


def _grid_taps(g: Builder, n_in: Num, n_out: Num) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    """Emit the nodes of `grid_taps`: the two pixels and the two weights of each output."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        index, weights = grid_taps(n_in, n_out)
        low, high = (g.constant(index[:, i], "i64") for i in (0, 1))
        first, second = (g.constant(weights[:, i], "f64") for i in (0, 1))
        return (low, high), (first, second)
    half, one = g.constant([0.5], "f64"), g.constant([1], "f64")
    position = g.Mul(g.Add(g.range(n_out, "f64"), half), g.num(n_in / n_out))
    position = g.Abs(g.Sub(position, half))
    position = g.Mul(position, g.cast(g.cast(g.num(n_in > 1), "i64"), "f64"))
    floor = g.Floor(position)
    first = g.Sub(one, g.Sub(position, floor))
    low = g.cast(floor, "i64")
    high = emit_mirrored(g, g.Add(low, g.constant([1], "i64")), n_in)
    return (emit_mirrored(g, low, n_in), high), (first, g.Sub(one, first))
