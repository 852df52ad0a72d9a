"""Along an axis: extremes, sums, the order of elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements


def _listed(axes: Tensor | list[int] | None) -> list[int]:
    """An input, or before opset 18 an attribute."""
    return axes.tolist() if isinstance(axes, Tensor) else list(axes or ())


def _reduction(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Reduce some axes; without any all, or with `noop_with_empty_axes` none."""

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
# In the tensor's own type. The order of floats is left to torch, as ONNX leaves it to the runtime.
implements("ReduceSum", stay=[1])(_reduction(_sum))


@implements("CumSum", stay=[1])
def running_sum(x: Tensor, axis: Tensor, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Sums of the first elements, one added after the other.

    torch.cumsum would add float32 in float64 on CPUs and in a tree on GPUs, so only integers go there.
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
    """Where the largest is: the first of equal ones, or the last."""
    if not select_last_index:
        return torch.argmax(x, axis, keepdim=bool(keepdims))
    return x.shape[axis] - 1 - torch.argmax(x.flip(axis), axis, keepdim=bool(keepdims))


@implements("TopK", stay=[1])
def topk(x: Tensor, k: Tensor, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, Tensor]:
    """The largest or least in order, and where they are; of equal ones the lower index is first, which torch.topk leaves open."""
    values, places = torch.sort(x, dim=axis, descending=bool(largest), stable=True)
    count = int(k.item())
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)
