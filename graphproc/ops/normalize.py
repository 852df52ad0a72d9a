"""Subtract a mean and divide by a standard deviation, for each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import DTYPES, FLOATS, TensorType


@op("normalize")
@dataclass(frozen=True, slots=True)
class Normalize(Op):
    """Compute `(x - mean) / std` in floats, with mean and std rounded to their type.

    Shapes:   (..., C, H, W) -> the same; `mean` and `std` have C entries, or one for all channels.
    Dtypes:   u8 or f32 -> f32; f16 and f64 unchanged.
    Rounding: the result's dtype, after the subtraction and after the division.
    Source:   transformers `image_transforms.normalize` (Pil backend),
              `torchvision.transforms.v2.functional.normalize`.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in floats."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8", *FLOATS)
        for name, values in (("image_mean", self.mean), ("image_std", self.std)):
            if len(values) not in (1, x.size("C")):
                raise ShapeError(f"normalize: {name} must have {x.size('C')} elements, got {len(values)}: {list(values)}")
        return x if x.dtype in FLOATS else x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Subtract, then divide, in floats."""
        return normalized(x if x.dtype.kind == "f" else x.astype(np.float32), self.mean, self.std)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Sub and Div, never fused, and never a product with a reciprocal."""
        dtype = have if (have := g.type_of(x).dtype) in FLOATS else "f32"
        mean, std = (per_channel(values, DTYPES[dtype]) for values in (self.mean, self.std))
        return g.Div(g.Sub(g.cast(x, dtype), mean), std)


def normalized(x: Array, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """Compute `(x - mean) / std` of floats (..., C, H, W), rounded to their dtype after each step."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a std of 0 gives infinities, as in transformers
        return np.asarray((x - per_channel(mean, x.dtype)) / per_channel(std, x.dtype))


def per_channel(values: tuple[float, ...], dtype: np.dtype[Any] | type = np.float32) -> Array:
    """Return constants for each channel, shaped to broadcast over (C, H, W).

    If all are equal, one element is enough.
    """
    array = np.asarray(values, dtype=dtype)
    return array[:1] if (array == array[0]).all() else array.reshape(-1, 1, 1)
