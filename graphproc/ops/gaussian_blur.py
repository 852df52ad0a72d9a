"""Blur floats by a Gaussian, as scipy does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.pad import Pad
from graphproc.ops.slice import Slice
from graphproc.sizes.num import Num


@op("gaussian_blur")
@dataclass(frozen=True, slots=True)
class GaussianBlur(Op):
    """Average the pixels up to `radius` away, weighted by a Gaussian, columns first.

    Outside, the image is mirrored.

    Shapes:   (..., H, W) -> the same.
    Dtypes:   f32; unchanged.
    Rounding: weights and sums in float64, float32 after each of the two axes: scipy's bits. The
              weights are constants, with numpy's exponential.
    Source:   `scipy.ndimage.gaussian_filter(mode="reflect", radius=radius)` of 1.17.

    Attributes:
        sigma: the standard deviation, in pixels.
        radius: how many pixels the blur reaches.
    """

    sigma: float
    radius: int

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged."""
        require_layout(self, x, "HW")
        require_dtype(self, x, "f32")
        if not self.sigma > 0 or self.radius < 0:
            given = f"{self.sigma} and {self.radius}"
            raise ShapeError(f"gaussian_blur: expected a sigma above 0 and a radius of at least 0, got {given}")
        return x

    def numpy(self, x: Array) -> Array:
        """Blur along one axis, then along the other.

        Each sum starts with the pixel itself. Then it adds the two neighbours at one distance
        together, from the farthest to the nearest.
        """
        center, *sides = self._weights().tolist()
        for axis in (-2, -1):
            size = x.shape[axis]
            lines = self._canvas(axis, size).numpy(x).astype(np.float64)
            total = Slice((axis,), (self.radius,), (size,)).numpy(lines) * center
            for distance, weight in reversed(list(enumerate(sides, 1))):
                first, last = (Slice((axis,), (self.radius + step,), (size,)).numpy(lines) for step in (-distance, distance))
                total = total + (first + last) * weight
            x = total.astype(np.float32)
        return x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same sums of slices."""
        t = g.type_of(x)
        weights = [g.constant([weight], "f64") for weight in self._weights()]
        for axis in (-2, -1):
            size = t.shape[axis]
            lines = g.cast(g.apply(self._canvas(axis, size), x, t), "f64")
            ends = [(start, start + size) for start in range(2 * self.radius + 1)]
            lines = [g.Slice(lines, g.vector(start), g.vector(end), g.vector(axis)) for start, end in ends]
            total = g.Mul(lines[self.radius], weights[0])
            for distance in range(self.radius, 0, -1):
                both = g.Add(lines[self.radius - distance], lines[self.radius + distance])
                total = g.Add(total, g.Mul(both, weights[distance]))
            x = g.cast(total, "f32")
        return x

    def _weights(self) -> Array:
        """Return the weights of pixels 0 to `radius` away, in scipy's own arithmetic."""
        phi = np.exp(-0.5 / (self.sigma * self.sigma) * np.arange(-self.radius, self.radius + 1) ** 2)
        return np.asarray((phi / phi.sum())[self.radius :])

    def _canvas(self, axis: int, size: Num) -> Pad:
        """Return the op that mirrors `radius` pixels at both ends of an axis of `size` pixels."""
        return Pad((axis,), (self.radius,), (size + 2 * self.radius,), mode="symmetric")
