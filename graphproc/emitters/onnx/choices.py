"""Choices kept from optimizers that lose values when they take them apart.

Where all sizes are fixed, ONNX Runtime (1.20 to 1.32) puts the branch of every `If` with a constant condition in the place of the
node. Of nested ones, bodies of loops keep the names that values had after the inner one went, and read what is not there: an
error or the end of the process (`tools/ort_nested_choices.py` is the smallest case). 1.26 also loses what it computed ahead in a
branch. So the condition of a choice depends on the pixels, too, in a way that never decides; what branches compute from sizes is
still computed once. On CUDA, where that would wait for the device, only choices around loops do so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

if TYPE_CHECKING:
    from graphproc.emitters.onnx.builder import GraphBuilder


def has_loop(graph: ir.Graph) -> bool:
    """Whether a graph, or one inside it, runs anything more than once."""
    return any(node.op_type in ("Scan", "Loop") for node in ir.traversal.RecursiveGraphIterator(graph))


def never(g: GraphBuilder, value: ir.Value) -> ir.Value:
    """False, a bool of one element, whatever a graph input holds; but no optimizer can know."""
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
