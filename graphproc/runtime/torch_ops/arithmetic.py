"""Arithmetic on each element: IEEE operations, rounded once each."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements

implements("Add")(torch.add)
implements("Sub")(torch.sub)
implements("Mul")(torch.mul)
implements("Abs")(torch.abs)
implements("Neg")(torch.neg)
implements("Sign")(torch.sign)
implements("Floor")(torch.floor)
implements("Ceil")(torch.ceil)
implements("Round")(torch.round)  # halves to even, as ONNX says
implements("BitwiseAnd")(torch.bitwise_and)


@implements("Div")
def divide(a: Tensor, b: Tensor) -> Tensor:
    """The quotient; of integers, toward zero."""
    if a.is_floating_point():
        return torch.div(a, b)
    return torch.div(a, b, rounding_mode="trunc")


@implements("Mod")
def modulo(a: Tensor, b: Tensor, fmod: int = 0) -> Tensor:
    """The remainder, with the sign of the divisor, or with `fmod` of the dividend."""
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


@implements("Min")
def minimum(*parts: Tensor) -> Tensor:
    """The least of any number of tensors."""
    return reduce(torch.minimum, parts)


@implements("Max")
def maximum(*parts: Tensor) -> Tensor:
    """The largest of any number of tensors."""
    return reduce(torch.maximum, parts)


@implements("Clip")
def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """No less than `low`, no more than `high`."""
    if low is not None:
        x = torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


@implements("Sqrt")
def square_root(x: Tensor) -> Tensor:
    """The root, rounded once. On CPUs numpy's: torch's vector kernel is off by the last bit in one of a hundred."""
    if x.device.type != "cpu":
        return torch.sqrt(x)
    with np.errstate(invalid="ignore"):  # of negative numbers: NaN, and no warning
        return torch.from_numpy(np.asarray(np.sqrt(x.numpy())))


def _of_libm(function: Callable[[float], float], name: str, x: Tensor) -> Tensor:
    """A function of the C library in float64 on the host, as the numpy reference takes it; elsewhere torch's own.

    Vector kernels differ from it in the last bit. Where weights are computed the values are few and on the host.
    """
    if x.device.type == "cpu" and x.dtype == torch.float64:
        ufunc: Any = np.frompyfunc(function, 1, 1)
        return torch.from_numpy(np.asarray(ufunc(x.numpy()), dtype=np.float64))
    result: Tensor = getattr(torch, name)(x)
    return result


implements("Sin")(partial(_of_libm, math.sin, "sin"))
implements("Cos")(partial(_of_libm, math.cos, "cos"))
implements("Exp")(torch.exp)
