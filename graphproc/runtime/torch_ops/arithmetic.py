"""Implement arithmetic on single elements: IEEE operations, each rounded once."""

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
    """Divide; the quotient of integers is cut toward zero."""
    if a.is_floating_point():
        return torch.div(a, b)
    return torch.div(a, b, rounding_mode="trunc")


@implements("Mod")
def modulo(a: Tensor, b: Tensor, fmod: int = 0) -> Tensor:
    """Return the remainder with the divisor's sign, or with `fmod=1` the dividend's."""
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


@implements("Min")
def minimum(*parts: Tensor) -> Tensor:
    """Return the least of any number of tensors, element by element."""
    return reduce(torch.minimum, parts)


@implements("Max")
def maximum(*parts: Tensor) -> Tensor:
    """Return the largest of any number of tensors, element by element."""
    return reduce(torch.maximum, parts)


@implements("Clip")
def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Raise elements to `low` and lower them to `high`; None is no limit."""
    if low is not None:
        x = torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


@implements("Sqrt")
def square_root(x: Tensor) -> Tensor:
    """Return the root, rounded once.

    On CPUs numpy computes it: one in a hundred results of torch's vector kernel is off by the last
    bit.
    """
    if x.device.type != "cpu":
        return torch.sqrt(x)
    with np.errstate(invalid="ignore"):  # negative numbers give NaN, without a warning
        return torch.from_numpy(np.asarray(np.sqrt(x.numpy())))


def _of_libm(function: Callable[[float], float], name: str, x: Tensor) -> Tensor:
    """Compute a function as the numpy reference does: in float64, by the C library, on the host.

    Vector kernels give another last bit. Weights are computed from few values, which lie on the
    host. Elsewhere torch's own function is called.
    """
    if x.device.type == "cpu" and x.dtype == torch.float64:
        ufunc: Any = np.frompyfunc(function, 1, 1)
        return torch.from_numpy(np.asarray(ufunc(x.numpy()), dtype=np.float64))
    result: Tensor = getattr(torch, name)(x)
    return result


implements("Sin")(partial(_of_libm, math.sin, "sin"))
implements("Cos")(partial(_of_libm, math.cos, "cos"))
implements("Exp")(torch.exp)
