"""Implement matrix products, and conversions between element types."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.dtypes import DTYPES
from graphproc.runtime.torch_ops.table import implements

implements("MatMul")(torch.matmul)


@implements("MatMulInteger")
def matmul_integer(a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None) -> Tensor:
    """Multiply matrices of bytes, less their zero points; the result is int32.

    torch has no product of signed with unsigned bytes, so this computes in float64, which holds any
    such sum. A zero point of rank 1 has one number for each row of `a` or column of `b`.
    """
    left, right = a.to(torch.float64), b.to(torch.float64)
    if a_zero is not None:
        left = left - (a_zero.unsqueeze(-1) if a_zero.ndim == 1 else a_zero).to(torch.float64)
    if b_zero is not None:
        right = right - b_zero.to(torch.float64)
    return torch.matmul(left, right).to(torch.int32)


@implements("QuantizeLinear")
def quantize(x: Tensor, scale: Tensor, zero: Tensor | None = None, **settings: Any) -> Tensor:
    """Return `x / scale` plus the zero point, as bytes.

    The quotient is rounded, halves to even, and the result is clipped to the byte's range. One
    scale serves the whole tensor. Without a zero point it is 0, and bytes are unsigned.
    """
    dtype = torch.uint8 if zero is None else zero.dtype
    limits = torch.iinfo(dtype)
    y = torch.round(torch.div(x, scale))
    return (y if zero is None else y + zero.to(x.dtype)).clamp(limits.min, limits.max).to(dtype)


@implements("Cast")
def cast(x: Tensor, to: int, **settings: Any) -> Tensor:
    """Convert to another element type.

    Floats become integers toward zero. As bools, all but 0 are true.
    """
    return x.to(DTYPES[to])
