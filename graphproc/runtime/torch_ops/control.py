"""Control flow: a branch or a loop is decided on the host; bodies are functions of their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import EVERY_INPUT, implements

BodyFunction = Callable[..., list[Any]]


@implements("If", stay=EVERY_INPUT)
def branch(condition: Tensor, then_branch: BodyFunction, else_branch: BodyFunction) -> tuple[Any, ...]:
    """One of two graphs."""
    return tuple(then_branch() if condition.item() else else_branch())


@implements("Loop", stay=EVERY_INPUT)
def loop(count: Tensor | None, more: Tensor | None, *carried: Any, body: BodyFunction) -> tuple[Any, ...]:
    """Repeat a graph a number of times or while it says so: its end, and what it gave each time."""
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
    """A graph for each row of some inputs: what it carries at the end, and what it gave, along new axes."""
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
