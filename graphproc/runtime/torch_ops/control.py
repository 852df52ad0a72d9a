"""Implement control flow.

Which branch runs, and how often a loop runs, is decided on the host. Bodies are functions of their
inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import EVERY_INPUT, implements

BodyFunction = Callable[..., list[Any]]


@implements("If", stay=EVERY_INPUT)
def branch(condition: Tensor, then_branch: BodyFunction, else_branch: BodyFunction) -> tuple[Any, ...]:
    """Run one of two graphs."""
    return tuple(then_branch() if condition.item() else else_branch())


@implements("Loop", stay=EVERY_INPUT)
def loop(count: Tensor | None, more: Tensor | None, *carried: Any, body: BodyFunction) -> tuple[Any, ...]:
    """Run a graph a number of times, or while its first output is true.

    Args:
        count: how often at most; None for no limit.
        more: whether to begin; None for true.
        *carried: the carried values before the first run.
        body: the graph.

    Returns:
        The carried values after the last run, then each further output of all runs, stacked.
    """
    state, rows = list(carried), []
    index, limit = 0, None if count is None else int(count.item())
    going = more is None or bool(more.item())
    while going and (limit is None or index < limit):
        flag, *results = body(torch.tensor(index, dtype=torch.int64, device="cpu"), torch.tensor(True, device="cpu"), *state)
        state = results[: len(carried)]
        rows.append(results[len(carried) :])
        going = bool(flag.item())
        index += 1
    return (*state, *(torch.stack(column) for column in zip(*rows, strict=True)))


@implements("Scan", stay=EVERY_INPUT)
def scan(
    *inputs: Tensor,
    body: BodyFunction,
    num_scan_inputs: int,
    scan_input_axes: list[int] | None = None,
    scan_output_axes: list[int] | None = None,
    scan_input_directions: list[int] | None = None,
    scan_output_directions: list[int] | None = None,
) -> tuple[Tensor, ...]:
    """Run a graph once for each row of its inputs.

    Args:
        *inputs: the carried values, then `num_scan_inputs` tensors to go through.
        body: the graph.
        num_scan_inputs: how many of the inputs are gone through.
        scan_input_axes: along which axis each is; None for the first.
        scan_output_axes: the new axis of each stacked output; None for the first.
        scan_input_directions: 1 where an input is gone through backwards.
        scan_output_directions: 1 where an output is stacked backwards.

    Returns:
        The carried values after the last run, then the stacked outputs.
    """
    count = len(inputs) - num_scan_inputs
    state, scanned = list(inputs[:count]), inputs[count:]
    axes = scan_input_axes or [0] * len(scanned)
    columns = [x.unbind(axis) for x, axis in zip(scanned, axes, strict=True)]
    columns = [c[::-1] if backward else c for c, backward in zip(columns, scan_input_directions or [0] * len(axes), strict=True)]
    rows = []
    for parts in zip(*columns, strict=True):
        results = body(*state, *parts)
        state = results[:count]
        rows.append(results[count:])
    found = list(zip(*rows, strict=True))
    into = scan_output_axes or [0] * len(found)
    found = [c[::-1] if backward else c for c, backward in zip(found, scan_output_directions or [0] * len(found), strict=True)]
    return (*state, *(torch.stack(column, axis) for column, axis in zip(found, into, strict=True)))
