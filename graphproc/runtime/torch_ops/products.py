"""Matrix products, and conversions between element types."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.dtypes import DTYPES
from graphproc.runtime.torch_ops.table import implements

implements("MatMul")(torch.matmul)


@implements("MatMulInteger")
def matmul_integer(a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None) -> Tensor:
    """A product of bytes, less their zero points, in int32.

    In float64, which holds any such sum, because torch has no product of mixed bytes. A zero point of rank 1 is one for each
    row of `a` or column of `b`.
    """
    left, right = a.to(torch.float64), b.to(torch.float64)
    if a_zero is not None:
        left = left - (a_zero.unsqueeze(-1) if a_zero.ndim == 1 else a_zero).to(torch.float64)
    if b_zero is not None:
        right = right - b_zero.to(torch.float64)
    return torch.matmul(left, right).to(torch.int32)


@implements("QuantizeLinear")
def quantize(x: Tensor, scale: Tensor, zero: Tensor | None = None, **settings: Any) -> Tensor:
    """`x / scale` rounded, halves to even, plus the zero point, clipped to a byte; one scale for the whole tensor."""
    dtype = torch.uint8 if zero is None else zero.dtype
    limits = torch.iinfo(dtype)
    y = torch.round(torch.div(x, scale))
    return (y if zero is None else y + zero.to(x.dtype)).clamp(limits.min, limits.max).to(dtype)


@implements("Cast")
def cast(x: Tensor, to: int, **settings: Any) -> Tensor:
    """Another element type: toward zero from floats to integers, and whatever is not 0 is true."""
    return x.to(DTYPES[to])
