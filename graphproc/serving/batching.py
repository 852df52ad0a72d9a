"""Say whether a server may run requests for a graph together, along a batch axis.

It may where every input and every output has the same free axis in front. For preprocessing graphs the
joins decide: one that stacks has the batch in front, one that concatenates rows has an axis of another
name there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphproc.errors import GraphError
from graphproc.fusion.sources import Side, describe, dims, free_inputs

MAX_BATCH_SIZE = 8
"""The largest batch of a graph that has a batch axis, if nothing else is asked for."""


def largest_batch(sides: Iterable[Side], asked: int | None) -> tuple[int, list[str]]:
    """Return the largest batch for graphs that run one after the other, 0 for none, and why it is 0, a sentence each.

    Args:
        sides: the graphs. Where the first input of each has a batch axis, that is its first axis.
        asked: what the caller wants; None for `MAX_BATCH_SIZE` where there is a batch axis. An axis
            without a name counts as the batch axis only where a number is asked for.

    Raises:
        GraphError: a batch is asked for, and an input or an output has no batch axis.
    """
    if asked is not None and asked < 0:
        raise GraphError(f"max_batch_size: expected 0 or more, got {asked}")
    if asked == 0:
        return 0, []
    without = [reason for side in sides for reason in _without_batch(side, named=asked is None)]
    if asked is not None and without:
        raise GraphError(f"max_batch_size: expected 0, got {asked}: {without[0]}")
    if without:
        return 0, [f"max_batch_size is 0, so the server runs each request alone: {without[0]}"]
    return asked or MAX_BATCH_SIZE, []


def _without_batch(side: Side, named: bool) -> Iterator[str]:
    """Yield a sentence for each input and output that does not have the batch axis of the first input in front."""
    first = free_inputs(side)[0]
    batch = (dims(first) or [0])[0]
    if isinstance(batch, int) or batch == "height" or (batch is None and named):
        yield f"{describe(first)} of the {side.where} has no batch axis"
        return
    for value in (*free_inputs(side), *side.graph.outputs):
        front = (dims(value) or [0])[0]
        unnamed = not named and not isinstance(front, int) and None in (front, batch)
        if front != batch and not unnamed:
            yield f"{describe(value)} of the {side.where} has no batch axis in front"
