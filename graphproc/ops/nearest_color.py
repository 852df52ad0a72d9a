"""Replace pixels by the index of the nearest of some colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.fused import emit_multiply_add, multiply_add


@op("nearest_color")
@dataclass(frozen=True, slots=True)
class NearestColor(Op):
    """Return the index of the cluster at the least squared distance, for pixels row by row.

    Of equal distances, the first cluster counts.

    Shapes:   (..., 3, H, W) -> (..., H * W), layout `P`.
    Dtypes:   f32 -> i64.
    Rounding: `|x|^2 - 2 x.c + |c|^2`, left to right. `|x|^2` is rounded in float32, all else in
              float64. Each sum of three adds red, green, blue. transformers leaves the order of
              `x.c` to its BLAS. So two clusters may change places if their distances differ by less
              than about 1e-15; the distances of two equal clusters do not differ. If clusters are
              float32 numbers, the products are exact, and only the last bit of the sums may differ.
              With `fused`, all is rounded in float32, and in `x.c` each product but the first
              together with the sum, as torch's BLAS does. That has other code for up to seven
              pixels, and on processors without AVX-512 for the last ones of up to a few hundred.
              There two clusters may change places if their distances differ by about 1e-7.
    Source:   transformers `color_quantize` of ImageGPT (Pil backend), with clusters in float64, as
              lists of floats are; with `fused` `color_quantize_torch`, with clusters in float32.

    Attributes:
        clusters: one (red, green, blue) each, in the units of the pixels.
        fused: whether distances are float32, with products rounded together with sums.
    """

    clusters: tuple[tuple[float, ...], ...]
    fused: bool = False

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with one index for each pixel."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "f32")
        if x.size("C") != 3:
            raise ShapeError(f"nearest_color: expected 3 channels, got {x}")
        if not self.clusters or any(len(c) != 3 for c in self.clusters):
            raise ShapeError("nearest_color: expected clusters of 3 numbers each, and at least one")
        return replace(x, dtype="i64", shape=(*x.shape[:-3], x.size("H") * x.size("W")), layout=x.layout[:-3] + "P")

    def _constants(self) -> tuple[list[Array], Array]:
        """Return twice the clusters' colours, channel by channel, and their squared lengths.

        Doubling is exact.
        """
        clusters: Array = np.asarray(self.clusters, dtype=np.float32 if self.fused else np.float64)
        red, green, blue = (clusters * clusters).T
        return [2 * c for c in clusters.T], (red + green) + blue

    def numpy(self, x: Array) -> Array:
        """Compute row by row, so that the distances to all clusters take little memory."""
        twice, lengths = self._constants()
        result = np.empty((*x.shape[:-3], *x.shape[-2:]), dtype=np.int64)
        for row in range(x.shape[-2]):
            red, green, blue = (x[..., c, row, :, None] for c in range(3))
            length = (red * red + green * green) + blue * blue
            if self.fused:
                product = multiply_add(blue, twice[2], multiply_add(green, twice[1], red * twice[0]))
                distance = (length - product) + lengths
            else:
                red, green, blue = (v.astype(np.float64) * c for v, c in zip((red, green, blue), twice, strict=True))
                distance = (length.astype(np.float64) - ((red + green) + blue)) + lengths
            result[..., row, :] = np.argmin(distance, axis=-1)
        return result.reshape(*x.shape[:-3], -1)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same in a Scan over the rows.

        It finds the largest of the negated distances, because CUDA has no ArgMin.
        """
        lead = g.type_of(x).rank + g.leading - 3
        twice, lengths = self._constants()
        real = "f32" if self.fused else "f64"

        def row(x: Value) -> Value:
            """Emit one row, from `[lead..., 3, W]` to `[lead..., W]`."""
            channels = g.Split(g.Unsqueeze(x, g.vector(-1)), g.vector(1, 1, 1), axis=lead, outputs=3)
            red, green, blue = (g.Mul(c, c) for c in channels)
            length = g.Add(g.Add(red, green), blue)
            factors = [g.constant(t, real) for t in twice]
            if self.fused:
                product = g.Mul(channels[0], factors[0])
                for channel, factor in zip(channels[1:], factors[1:], strict=True):
                    product = emit_multiply_add(g, channel, factor, product)
            else:
                red, green, blue = (g.Mul(g.cast(c, "f64"), t) for c, t in zip(channels, factors, strict=True))
                product = g.Add(g.Add(red, green), blue)
            # (p - l) - n is -((l - p) + n) exactly: rounding does not depend on signs.
            opposite = g.Sub(g.Sub(product, g.cast(length, real)), g.constant(lengths, real))
            return g.Squeeze(g.ArgMax(opposite, axis=-1, keepdims=0), g.vector(lead))

        rows = g.Transpose(x, perm=[lead + 1, *range(lead), lead, lead + 2])
        indices = g.scan((rows,), row)
        if lead:
            indices = g.Transpose(indices, perm=[*range(1, lead + 1), 0, lead + 1])
        return g.Reshape(indices, g.vector(*[0] * lead, -1))
