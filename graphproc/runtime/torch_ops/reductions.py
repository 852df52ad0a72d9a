"""Implement extremes, sums and orders along an axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements


def _listed(axes: Tensor | list[int] | None) -> list[int]:
    """Return axes as a list. They are an input, or before opset 18 an attribute; None is no axis."""
    return axes.tolist() if isinstance(axes, Tensor) else list(axes or ())


def _reduction(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the implementation of a reduction.

    It reduces the given axes. Without any it reduces all, or with `noop_with_empty_axes` none.
    """

    def reduce(x: Tensor, axes: Tensor | list[int] | None = None, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        along = _listed(axes)
        if not along and noop_with_empty_axes:
            return x
        return function(x, tuple(along or range(x.ndim)), bool(keepdims))

    return reduce


def _sum(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return torch.sum(x, axes, keepdims, dtype=x.dtype)


implements("ReduceMax", stay=[1])(_reduction(torch.amax))
implements("ReduceMin", stay=[1])(_reduction(torch.amin))
# Adds in the tensor's own type. torch chooses the order of floats, as ONNX lets runtimes do.
implements("ReduceSum", stay=[1])(_reduction(_sum))


@implements("CumSum", stay=[1])
def running_sum(x: Tensor, axis: Tensor, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Add up the elements along an axis one after the other.

    torch.cumsum adds float32 in float64 on CPUs and in a tree on GPUs, so here only integers go
    through it.
    """
    along = int(axis.item()) % x.ndim
    x = x.flip(along) if reverse else x
    if not x.is_floating_point():
        sums = torch.cumsum(x, along, dtype=x.dtype)
    elif x.device.type == "cpu":
        sums = torch.from_numpy(np.add.accumulate(x.numpy(), axis=along))
    else:
        rows = list(x.unbind(along))
        for index in range(1, len(rows)):
            rows[index] = rows[index - 1] + rows[index]
        sums = torch.stack(rows, along) if rows else x
    if exclusive:
        length = x.shape[along]
        zero = torch.zeros_like(sums.narrow(along, 0, min(length, 1)))
        sums = torch.cat((zero, sums.narrow(along, 0, max(length - 1, 0))), along)
    return sums.flip(along) if reverse else sums


@implements("ArgMax")
def argmax(x: Tensor, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """Return the index of the largest element.

    It is the first of equal ones, or with `select_last_index` the last.
    """
    if not select_last_index:
        return torch.argmax(x, axis, keepdim=bool(keepdims))
    return x.shape[axis] - 1 - torch.argmax(x.flip(axis), axis, keepdim=bool(keepdims))


@implements("TopK", stay=[1])
def topk(x: Tensor, k: Tensor, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, Tensor]:
    """Return the `k` largest or least elements in order, and their indices, int64.

    Of equal elements the one with the lower index comes first; torch.topk leaves that open. Results
    are in order even if `sorted` is 0.
    """
    values, places = torch.sort(x, dim=axis, descending=bool(largest), stable=True)
    count = int(k.item())
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)
