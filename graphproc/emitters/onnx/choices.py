"""Keep choices from optimizers, which lose values when they take them apart.

If all sizes are fixed, ONNX Runtime (1.20 to 1.32) replaces every `If` with a constant condition by
its branch. Of nested ones, bodies of loops keep names of values that are gone with the inner one,
and read what is not there: an error, or the end of the process (`tools/ort_nested_choices.py` is
the smallest case). 1.26 also loses what it computed ahead in a branch.

So the condition of a choice also depends on the pixels, in a way that never decides. What branches
compute from sizes is still computed once. On CUDA the condition would wait for the device, so there
only choices around loops have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

if TYPE_CHECKING:
    from graphproc.emitters.onnx.builder import GraphBuilder


def has_loop(graph: ir.Graph) -> bool:
    """Return whether a graph, or one inside it, runs anything more than once."""
    return any(node.op_type in ("Scan", "Loop") for node in ir.traversal.RecursiveGraphIterator(graph))


def never(g: GraphBuilder, value: ir.Value) -> ir.Value:
    """Emit a bool of one element that is false whatever a graph input holds; no optimizer can know."""
    with g.scope("never"):
        if isinstance(value.type, ir.SequenceType):
            count: ir.Value = g.SequenceLength(value)
        else:
            assert value.shape is not None
            rank = len(value.shape)
            first = g.Slice(value, g.vector(*[0] * rank), g.vector(*[1] * rank))
            count = g.ReduceSum(g.cast(g.cast(first, "bool"), "i64"), keepdims=0)  # 0 where there is no element
        result: ir.Value = g.Less(count, g.constant(0, "i64"))
        return result
