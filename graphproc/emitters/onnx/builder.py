"""Build one graph on onnx-ir: the handle that ops emit through.

It keeps what makes an emitted graph small, readable and reproducible. Equal constants and equal
size expressions become one value. Names follow scopes (`resize/horizontal/MatMul`). Nothing depends
on memory addresses or the order of hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.choices import has_loop
from graphproc.emitters.onnx.expressions import DTYPE, emit_expression
from graphproc.emitters.onnx.functions import Functions
from graphproc.emitters.onnx.hoist import hoist_reshape
from graphproc.emitters.onnx.nodes import NodeBuilder, Value
from graphproc.emitters.onnx.operators import ELEMENT, INVARIANT
from graphproc.ir.builder_protocol import Move
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num, Sym


class GraphBuilder(NodeBuilder):
    """Implement `graphproc.ir.builder_protocol.Builder`.

    Attributes:
        graph_outputs: the outputs declared so far.
        never: a bool that is always false, but not for an optimizer (`choices.never`), or None.
        shared: the values that several outputs return.
        functions: the functions of kernels, if ops become calls of kernels; else None.
    """

    def __init__(self, target: str, opset: int, leading: int, kernels: bool = False) -> None:
        """Begin without nodes.

        Args:
            target: what the graph is written for.
            opset: the version of the default ONNX domain.
            leading: the number of batch axes.
            kernels: whether ops that have a kernel become calls of it.
        """
        super().__init__(target, opset, leading)
        self.functions = Functions() if kernels else None
        self.graph_outputs: list[Value] = []
        self.never: Value | None = None
        self.shared: set[Value] = set()
        self._symbols: dict[str, Value] = {}
        self._numbers: list[dict[tuple[object, ...], Value]] = [{}]

    def apply(self, op: Op, x: Value, type: TensorType) -> Value:
        """Emit another op's rule on a value of the given IR type."""
        return self.compute(op, self.with_type(x, type))

    def compute(self, op: Op, *operands: Value) -> Value:
        """Emit an op on values that have an IR type: the call of its kernel, or its ONNX rule."""
        if self.functions is not None and (node := op.kernel(*(self.type_of(x) for x in operands))):
            call = self.functions.call(self, op, node, operands)
            if call is not None:
                return call
        result: Value = op.onnx(self, *operands)
        return result

    def of_function(self) -> GraphBuilder:
        """Return a builder for the nodes of a function, which call no kernel."""
        return GraphBuilder(self.target, self.opset, self.leading)

    def range(self, length: Num | Value, dtype: str) -> Value:
        """Emit `[0, 1, ..., length - 1]`.

        A plain side is counted in int64, and the result is cast. If the side were cast, ONNX
        Runtime would refuse the graph once free dimensions are overridden: it knows the side then,
        as int64, beside a start of another type. It does not look through other expressions.
        """
        if isinstance(length, Value) and length.const_value is not None:
            length = int(length.const_value.numpy().item())
        if isinstance(length, int):
            return self.constant(np.arange(length), dtype)
        counted = "i64" if not isinstance(length, Value) and num.is_plain(length) else dtype
        stop = self.cast(length if isinstance(length, Value) else self.num(length), counted)
        numbers = self._emit("Range", self.constant(0, counted), self._emit("Squeeze", stop), self.constant(1, counted))
        return self.cast(numbers, dtype)

    def known_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes that IR types give to values of the whole graph, by their names, for that many images."""
        whole = (value for node in self.nodes for value in node.outputs if value in self.types)
        shapes = {str(value.name): (batch,) * self.leading + self.types[value].shape for value in whole}
        static = {name: tuple(length for length in shape if isinstance(length, int)) for name, shape in shapes.items()}
        return {name: shape for name, shape in static.items() if len(shape) == len(shapes[name])}

    def hoist(self, x: Value, move: Move, merged: int = 0) -> Value:
        """Reshape a value before the arithmetic that it comes from.

        If several outputs return the value, reshape the value itself.
        """
        return move(x, None) if x in self.shared else hoist_reshape(self, x, move, merged)

    # ---- sizes -------------------------------------------------------------------------------------------------

    def symbol(self, name: str, value: Value) -> None:
        """Set the int64 tensor of shape [1] that holds a symbol."""
        self._symbols[name] = value

    def as_num(self, value: Value, low: int = 0) -> Num:
        """Return a number that stands for an int64 tensor of shape [1].

        `low` is the least that it can be.
        """
        if value.const_value is not None:
            return int(value.const_value.numpy()[0])
        symbol = num.symbol(str(value.name), low)
        self.symbol(str(value.name), value)
        return symbol

    def num(self, x: Num | Bool) -> Value:
        """Emit a number or expression as a tensor of shape [1]; equal expressions share nodes.

        Ints are int64, floats float64.
        """
        if not isinstance(x, Sym):
            return self.constant([x], DTYPE[num.kind_of(x)])
        if x.op == "symbol":
            return self._symbols[x.args[0]]
        for numbers in self._numbers:
            if (x,) in numbers:
                return numbers[(x,)]
        with self.scope("sizes") if self._scopes[-1:] != ["sizes"] else nullcontext():
            value = emit_expression(self, x)
        self._numbers[-1][(x,)] = value
        return value

    def float64(self, x: Num) -> Value:
        """Emit a number as float64; conversions of equal expressions share nodes, too."""
        if not isinstance(x, Sym):
            return self.constant([x], "f64")
        value = self.num(x)
        if x.kind == "float":
            return value
        for numbers in self._numbers:
            if (x, "f64") in numbers:
                return numbers[(x, "f64")]
        result = self.cast(value, "f64")
        self._numbers[-1][(x, "f64")] = result
        return result

    def vector(self, *items: Num | Value) -> Value:
        """Emit an int64 vector; equal ones share a node."""
        if all(isinstance(item, int) for item in items):
            return self.constant(list(items), "i64")
        key = ("vector", *items)
        for numbers in self._numbers:
            if key in numbers:
                return numbers[key]
        parts: list[Value] = []
        run: list[int] = []
        for item in items:
            if isinstance(item, int):
                run.append(item)
                continue
            if run:
                parts.append(self.constant(run, "i64"))
                run = []
            parts.append(item if isinstance(item, Value) else self.num(item))
        if run:
            parts.append(self.constant(run, "i64"))
        result = parts[0] if len(parts) == 1 else self._emit("Concat", *parts, axis=0)
        self._numbers[-1][key] = result
        return result

    # ---- control flow ------------------------------------------------------------------------------------------

    def cond(
        self,
        condition: Bool | Value,
        then: Callable[[], Value],
        otherwise: Callable[[], Value],
        names: tuple[str, str] = ("then", "else"),
    ) -> Value:
        """Emit `If` with both branches as subgraphs; a Python bool emits one of them in place.

        Args:
            condition: a bool, an expression, or a value of one element.
            then: emits the branch for true.
            otherwise: emits the branch for false, of the same dtype.
            names: the scopes of the branches.
        """
        if isinstance(condition, bool):
            return then() if condition else otherwise()
        flag = condition if isinstance(condition, Value) else self.num(condition)
        then_graph = self._subgraph(names[0], lambda: [then()])
        else_graph = self._subgraph(names[1], lambda: [otherwise()])
        if self.never is not None and (self.target != "cuda" or has_loop(then_graph) or has_loop(else_graph)):
            flag = self._emit("Or", flag, self.never)
        dtype = self.dtype(then_graph.outputs[0])
        branches = (ir.AttrGraph("then_branch", then_graph), ir.AttrGraph("else_branch", else_graph))
        return self._emit("If", flag, dtype=dtype, then_branch=branches[0], else_branch=branches[1])

    def scan(self, rows: Sequence[Value], body: Callable[..., Value], axis: int = 0, rank: int | None = None) -> Value:
        """Emit `Scan` without carried values: stack what the body returns for each row.

        Args:
            rows: the inputs; the body gets a row of each along the first axis.
            body: emits what one output row is.
            axis: the new axis of the result.
            rank: the rank of an output row, or None if runtimes infer it. ONNX Runtime before 1.20
                runs no body of unknown ranks.
        """
        slices = [Value(name=self.unique("row"), type=ir.TensorType(ELEMENT[self.dtype(row)])) for row in rows]
        graph = self._subgraph("scan", lambda: [body(*slices)], slices, loop=True)
        dtype = self.dtype(graph.outputs[0])
        if rank is not None:
            graph.outputs[0].shape = ir.Shape([None] * rank)
        return self._emit(
            "Scan", *rows, dtype=dtype, body=ir.AttrGraph("body", graph), num_scan_inputs=len(rows), scan_output_axes=[axis]
        )

    def sequence(self, dtype: str) -> Value:
        """Emit an empty sequence of tensors."""
        name = self.unique("SequenceEmpty")
        empty = Value(name=f"{name}_out", type=ir.SequenceType(ir.TensorType(ELEMENT[dtype])))
        self.nodes.append(ir.node("SequenceEmpty", [], {"dtype": int(ELEMENT[dtype])}, outputs=[empty], name=name))
        return empty

    def loop(
        self,
        count: Value,
        start: Sequence[Value],
        body: Callable[..., tuple[Sequence[Value], Sequence[Value]]],
        name: str = "loop",
    ) -> tuple[list[Value], list[Value]]:
        """Emit a `Loop` that runs a given number of times.

        Args:
            count: how often, an int64 scalar.
            start: the carried values before the first run; sequences keep their type.
            body: gets the index, an int64 scalar, and the carried values; returns the values to
                carry on, and those to stack.
            name: the scope.

        Returns:
            The carried values after the last run, and the stacked values.
        """
        index = Value(name=self.unique("index"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
        more = Value(name=self.unique("more"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.BOOL))
        carried = [Value(name=self.unique("carried"), type=value.type) for value in start]

        def inside() -> list[Value]:
            following, stacked = body(index, *carried)
            return [self._emit("Identity", more), *following, *stacked]

        graph = self._subgraph(name, inside, [index, more, *carried], loop=True)
        results = [Value(name=self.unique("loop_out"), type=value.type) for value in graph.outputs[1:]]
        attributes = {"body": ir.AttrGraph("body", graph)}
        self.nodes.append(ir.node("Loop", [count, None, *start], attributes, outputs=results, name=self.unique("Loop")))
        return results[: len(start)], results[len(start) :]

    def _subgraph(
        self, name: str, body: Callable[[], Sequence[Value]], inputs: Sequence[Value] = (), loop: bool = False
    ) -> ir.Graph:
        """Return a graph of what `body` emits.

        Size expressions that are first met inside stay inside, unless a loop would repeat them.

        Args:
            name: the scope.
            body: emits the graph and returns its outputs.
            inputs: the graph's inputs.
            loop: whether it runs several times. What is the same in every run moves out.
        """
        outer = self.nodes
        self.nodes = []
        self._numbers.append({})
        symbols = dict(self._symbols)
        try:
            with self.scope(name):
                results: list[Value] = []
                for result in body():
                    own = result.producer() in self.nodes and result not in results
                    results.append(result if own else self._emit("Identity", result))
                if loop:
                    outer += self._take_invariant({*inputs, *results})
                return ir.Graph(inputs, results, nodes=self.nodes, name=self.unique("graph"))
        finally:
            self.nodes = outer
            self._numbers.pop()
            self._symbols = symbols

    def _take_invariant(self, local: set[Value]) -> list[ir.Node]:
        """Remove the nodes of a loop's body that read none of its own values, and return them.

        Args:
            local: the body's own values: its inputs, and its results, which keep their nodes.
        """
        taken, kept = [], []
        for node in self.nodes:
            own = any(value in local for value in (*node.inputs, *node.outputs))
            if own or node.op_type not in INVARIANT:
                kept.append(node)
                local.update(node.outputs)
            else:
                taken.append(node)
        self.nodes[:] = kept
        return taken
