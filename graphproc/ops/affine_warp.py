"""Cut the surroundings of a box out of an image and resample them to one size.

The transform has two scales and two shifts, and interpolates linearly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes.num import Num

PADDING = 1.25
_F = np.float32


@op("affine_warp")
@dataclass(frozen=True, slots=True)
class AffineWarp(Op):
    """Show the surroundings of a box at `height` x `width` pixels; outside the image they are 0.

    The box first grows to the result's aspect ratio around its centre, then by a quarter. The
    centres of the corner pixels are aligned.

    Shapes:   (..., 3, H, W) and a box (..., 4): left, top, width, height -> (..., 3, height,
              width).
    Dtypes:   u8 and f64 -> u8.
    Rounding: the box's centre and scale and the forward transform in float32, its inverse and the
              interpolation in float64; halves are rounded up to bytes. The result is scipy's own,
              except for the inverse, where LAPACK may round the last bit in another way. A byte may
              then differ by 1 if its exact value is within about 1e-10 of a half. A pixel on the
              image's border may then be outside in one of the two results only.
    Source:   transformers `box_to_center_and_scale`, `get_warp_matrix` (without rotation) and
              `scipy_warp_affine` of VitPose (Pil backend);
              `scipy.ndimage.affine_transform(order=1)`.

    Attributes:
        height, width: the result's sides, in pixels, at least 2.
        factor: how many pixels are a scale of 1; the configuration's `normalize_factor`.
    """

    height: int
    width: int
    factor: float = 200.0

    def infer(self, x: TensorType, box: TensorType) -> TensorType:
        """Return the image's type with the result's sides."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        require_dtype(self, box, "f64")
        if box.shape[-1:] != (4,) or box.rank != x.rank - 2:
            raise ShapeError(f"affine_warp: expected a box of 4 numbers for each image, got {box}")
        if min(self.height, self.width) < 2:
            raise ShapeError(f"affine_warp: expected sides of at least 2 pixels, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array, box: Array) -> Array:
        """Warp image by image."""
        images, boxes = x.reshape(-1, *x.shape[-3:]), np.broadcast_to(box, (*x.shape[:-3], 4)).reshape(-1, 4)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a box without area shows nothing
            y = np.stack([self._warp(image, b) for image, b in zip(images, boxes, strict=True)])
        return y.reshape(*x.shape[:-2], self.height, self.width)

    def _warp(self, x: Array, box: Array) -> Array:
        """Warp one image `[C, H, W]` by its box `[4]`."""
        left, top, width, height = (float(v) for v in box)
        center = _F(left + width * 0.5), _F(top + height * 0.5)
        aspect = self.width / self.height
        if width > aspect * height:
            height = width / aspect
        elif width < aspect * height:
            width = height * aspect
        axes = []
        for side, middle, length, n_out in zip(
            x.shape[-2:], reversed(center), (height, width), (self.height, self.width), strict=True
        ):
            extent = _F(length / self.factor) * _F(PADDING) * _F(200)
            scale = np.float64(n_out - 1.0) / np.float64(extent)
            offset = _F(-0.5) * (middle * _F(2)) + _F(0.5) * extent
            shift = np.float64(_F(scale * np.float64(offset)))
            inverse = np.float64(1.0) / np.float64(_F(scale))
            axes.append(_taps(side, np.arange(n_out) * inverse - shift * inverse))
        (rows, vertical), (columns, horizontal) = axes
        pixels = x.astype(np.float64)
        total = np.zeros((len(x), self.height, self.width))
        for i in (0, 1):
            for j in (0, 1):
                corner = pixels[..., rows[i], :][..., columns[j]]
                total = total + corner * vertical[i][:, None] * horizontal[j]
        if x.dtype == np.uint8:
            return np.asarray(np.floor(total + 0.5).astype(np.uint8))
        if x.dtype.kind in "iu":
            total = np.trunc(total + np.copysign(0.5, total))
        return np.asarray(total.astype(np.uint8) if x.dtype == np.bool_ else total).astype(x.dtype)

    def onnx(self, g: Builder, x: Value, box: Value) -> Value:
        """Emit the same; a batch is a Scan over its images, because their boxes differ."""
        t = g.type_of(x)
        lead = t.rank + g.leading - 3
        sides = t.size("H"), t.size("W")
        if not lead:
            return self._emit(g, x, box, sides)
        shape = g.Concat(g.Shape(x, start=0, end=lead), g.vector(t.channels, self.height, self.width), axis=0)
        images = g.Reshape(x, g.vector(-1, t.channels, *sides))
        warped = g.scan((images, g.Reshape(box, g.vector(-1, 4))), lambda image, b: self._emit(g, image, b, sides), rank=3)
        return g.Reshape(warped, shape)

    def _emit(self, g: Builder, x: Value, box: Value, sides: tuple[Num, Num]) -> Value:
        """Emit the warp of one image `[C, H, W]` by its box `[4]`."""
        left, top, width, height = g.Split(box, g.vector(1, 1, 1, 1), axis=0, outputs=4)
        half = _f64(g, 0.5)
        center = (g.cast(g.Add(low, g.Mul(length, half)), "f32") for low, length in ((top, height), (left, width)))
        aspect = _f64(g, self.width / self.height)
        limit = g.Mul(aspect, height)
        wide, tall = g.Greater(width, limit), g.Less(width, limit)
        lengths = g.Where(wide, g.Div(width, aspect), height), g.Where(tall, limit, width)
        axes = []
        for side, middle, length, n_out in zip(sides, center, lengths, (self.height, self.width), strict=True):
            extent = g.cast(g.Div(length, _f64(g, self.factor)), "f32")
            extent = g.Mul(g.Mul(extent, _f32(g, PADDING)), _f32(g, 200))
            scale = g.Div(_f64(g, n_out - 1.0), g.cast(extent, "f64"))
            offset = g.Add(g.Mul(_f32(g, -0.5), g.Mul(middle, _f32(g, 2))), g.Mul(_f32(g, 0.5), extent))
            shift = g.cast(g.cast(g.Mul(scale, g.cast(offset, "f64")), "f32"), "f64")
            inverse = g.Div(_f64(g, 1), g.cast(g.cast(scale, "f32"), "f64"))
            axes.append(_emit_taps(g, side, g.Sub(g.Mul(g.range(n_out, "f64"), inverse), g.Mul(shift, inverse))))
        (rows, vertical), (columns, horizontal) = axes
        total = None
        for i in (0, 1):
            lines = g.cast(g.Gather(x, rows[i], axis=1), "f64")
            for j in (0, 1):
                corner = g.Mul(g.Gather(lines, columns[j], axis=2), g.Unsqueeze(vertical[i], g.vector(1)))
                corner = g.Mul(corner, horizontal[j])
                total = corner if total is None else g.Add(total, corner)
        return g.cast(g.Floor(g.Add(total, half)), g.pixel_dtype)


def _taps(side: int, position: Array) -> tuple[list[Array], list[Array]]:
    """Return two pixels of each position along one axis, and their weights.

    Weights are 0 outside the image.
    """
    inside = (position >= 0) & (position <= side - 1)
    low = np.floor(np.where(inside, position, 0.0))
    first = 1.0 - (np.where(inside, position, 0.0) - low)
    index = [low.astype(np.int64), np.minimum(low + 1, side - 1).astype(np.int64)]
    return index, [np.where(inside, first, 0.0), np.where(inside, 1.0 - first, 0.0)]


def _emit_taps(g: Builder, side: Num, position: Value) -> tuple[list[Value], list[Value]]:
    """Emit the nodes of `_taps`."""
    zero, one = _f64(g, 0), _f64(g, 1)
    last = g.cast(g.num(side - 1), "f64")
    inside = g.And(g.GreaterOrEqual(position, zero), g.LessOrEqual(position, last))
    position = g.Where(inside, position, zero)
    low = g.Floor(position)
    first = g.Sub(one, g.Sub(position, low))
    index = [g.cast(low, "i64"), g.cast(g.Min(g.Add(low, one), last), "i64")]
    return index, [g.Where(inside, first, zero), g.Where(inside, g.Sub(one, first), zero)]


def _f64(g: Builder, value: float) -> Value:
    return g.constant([value], "f64")


def _f32(g: Builder, value: float) -> Value:
    return g.constant([value], "f32")
