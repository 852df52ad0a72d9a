"""Implement what reads, makes and changes shapes, without arithmetic on elements."""

from __future__ import annotations

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements


@implements("Identity")
def identity(x: Tensor) -> Tensor:
    """Return the same tensor. Tensors are never written to, so no copy is needed."""
    return x


@implements("Shape", stay=[0])
def shape(x: Tensor, start: int = 0, end: int | None = None) -> Tensor:
    """Return the lengths of the axes from `start` to `end`, int64 on the host."""
    return torch.tensor(list(x.shape)[start:end], dtype=torch.int64, device="cpu")


@implements("Size", stay=[0])
def size(x: Tensor) -> Tensor:
    """Return the number of elements, int64 on the host."""
    return torch.tensor(x.numel(), dtype=torch.int64, device="cpu")


@implements("Reshape", stay=[1])
def reshape(x: Tensor, shape: Tensor, allowzero: int = 0) -> Tensor:
    """Give the elements another shape; -1 is what is left, and 0 keeps an axis unless `allowzero`."""
    sizes = [x.shape[axis] if s == 0 and not allowzero else s for axis, s in enumerate(shape.tolist())]
    if -1 in sizes and x.numel() == 0:  # torch cannot tell the size of the open axis where others are 0
        return x.reshape([0 if s == -1 else s for s in sizes])
    return x.reshape(sizes)


@implements("Squeeze", stay=[1])
def squeeze(x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Remove axes of length 1: the given ones, or all."""
    return x.squeeze() if axes is None else x.squeeze(tuple(axes.tolist()))


@implements("Unsqueeze", stay=[1])
def unsqueeze(x: Tensor, axes: Tensor) -> Tensor:
    """Add axes of length 1 at the given places of the result."""
    rank = x.ndim + axes.numel()
    for axis in sorted(axis % rank for axis in axes.tolist()):
        x = x.unsqueeze(axis)
    return x


@implements("Transpose")
def transpose(x: Tensor, perm: list[int] | None = None) -> Tensor:
    """Put the axes in another order; without one, reverse them."""
    return x.permute(perm if perm is not None else list(range(x.ndim))[::-1])


@implements("Expand", stay=[1])
def expand(x: Tensor, shape: Tensor) -> Tensor:
    """Repeat axes of length 1, as broadcasting two shapes does."""
    return x.expand(torch.broadcast_shapes(x.shape, shape.tolist()))


@implements("Tile", stay=[1])
def tile(x: Tensor, repeats: Tensor) -> Tensor:
    """Repeat the tensor along each axis."""
    return x.repeat(repeats.tolist())


@implements("Concat")
def concatenate(*parts: Tensor, axis: int) -> Tensor:
    """Join tensors along an axis."""
    return torch.cat(parts, axis)


@implements("Split", stay=[1])
def split(x: Tensor, sizes: Tensor | None = None, axis: int = 0, num_outputs: int | None = None) -> tuple[Tensor, ...]:
    """Cut along an axis: into parts of given lengths, or into equal parts with a shorter last one."""
    if sizes is not None:
        return x.split(sizes.tolist(), axis)
    assert num_outputs is not None, "opset 13 counts the node's outputs; programs give sizes"
    return x.split(-(-x.shape[axis] // num_outputs), axis)


@implements("Slice", stay=[1, 2, 3, 4])
def cut(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None) -> Tensor:
    """Cut a piece out of each axis, as Python's slices do.

    Args:
        x: the tensor.
        starts: where each piece starts; negative numbers count from the end.
        ends: where it ends, exclusive.
        axes: the axes; None for the first ones.
        steps: the step of each; a negative one goes backwards. None for 1.
    """
    along = list(range(starts.numel())) if axes is None else axes.tolist()
    by = [1] * len(along) if steps is None else steps.tolist()
    for axis, start, end, step in zip(along, starts.tolist(), ends.tolist(), by, strict=True):
        indices = slice(start, end, step).indices(x.shape[axis])
        if step > 0:
            x = x[(slice(None),) * (axis % x.ndim) + (slice(*indices),)]
        else:  # torch's own slices take no negative step
            x = x.index_select(axis, torch.arange(*indices, device=x.device))
    return x


@implements("Range", stay=[0, 1, 2])
def range_(start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    """Return `start`, `start + delta`, ... before `limit`, on the host."""
    return torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype, device="cpu")


@implements("ConstantOfShape", stay=[0])
def full(shape: Tensor, value: Tensor | None = None) -> Tensor:
    """Return a tensor of one value, on the host; without a value it is 0 in float32."""
    if value is None:
        return torch.zeros(shape.tolist(), dtype=torch.float32, device="cpu")
    return torch.full(shape.tolist(), value.item(), dtype=value.dtype, device="cpu")


@implements("Pad", stay=[1, 3])
def pad(x: Tensor, pads: Tensor, value: Tensor | None = None, axes: Tensor | None = None, mode: str = "constant") -> Tensor:
    """Add elements around a tensor, or remove some where a number is negative.

    Args:
        x: the tensor.
        pads: how many elements go before each axis, then how many behind each axis.
        value: what is added with the mode `constant`; None is 0.
        axes: which axes; None for all.
        mode: what is added: `constant`, `edge`, `reflect`, or `wrap`, elements from the other side.
    """
    along = list(range(x.ndim)) if axes is None else axes.tolist()
    numbers = pads.tolist()
    for axis, before, after in zip(along, numbers[: len(along)], numbers[len(along) :], strict=True):
        if before or after:
            x = _pad_axis(x, axis % x.ndim, before, after, value, mode)
    return x


def _pad_axis(x: Tensor, axis: int, before: int, after: int, value: Tensor | None, mode: str) -> Tensor:
    """Add elements before and behind one axis, or remove some where a number is negative."""
    length = x.shape[axis]
    if mode == "constant":
        kept = x.narrow(axis, max(-before, 0), length + min(before, 0) + min(after, 0))
        sizes = list(x.shape)
        sizes[axis] = length + before + after
        padded = x.new_zeros(sizes) if value is None else value.to(x.dtype).expand(sizes).clone()
        padded.narrow(axis, max(before, 0), kept.shape[axis]).copy_(kept)
        return padded
    places = torch.arange(-before, length + after, device=x.device)
    if mode == "edge":
        places = places.clamp(0, length - 1)
    elif mode == "wrap":
        places = places.remainder(length)
    else:
        period = max(2 * length - 2, 1)
        places = places.remainder(period)
        places = torch.minimum(places, period - places)
    return x.index_select(axis, places)
