"""The handle that ops emit through: one graph under construction, on onnx-ir.

It keeps what makes an emitted graph small, readable and reproducible: equal constants and equal size expressions become
one value, names follow scopes (`resize/horizontal/MatMul`), and nothing depends on memory addresses or hash order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.choices import has_loop
from graphproc.emitters.onnx.hoist import hoist_reshape
from graphproc.errors import EmitError
from graphproc.ir.builder_protocol import Move
from graphproc.ir.op import Op
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num, Sym

Value = ir.Value

ELEMENT = {
    "u8": ir.DataType.UINT8,
    "i8": ir.DataType.INT8,
    "u16": ir.DataType.UINT16,
    "i16": ir.DataType.INT16,
    "i32": ir.DataType.INT32,
    "i64": ir.DataType.INT64,
    "f16": ir.DataType.FLOAT16,
    "f32": ir.DataType.FLOAT,
    "f64": ir.DataType.DOUBLE,
    "bool": ir.DataType.BOOL,
}
_NAME = {element: name for name, element in ELEMENT.items()}
_FROM_NUMPY = {dtype: name for name, dtype in DTYPES.items()}

# Result types of the operators that do not return the type of their first input.
_RESULT = {
    "Shape": "i64",
    "Size": "i64",
    "ArgMax": "i64",
    "SequenceLength": "i64",
    "Equal": "bool",
    "Less": "bool",
    "LessOrEqual": "bool",
    "Greater": "bool",
    "GreaterOrEqual": "bool",
    "MatMulInteger": "i32",
    "NonMaxSuppression": "i64",
}
_FURTHER = {"TopK": "i64"}
"""Result types of an operator's outputs behind the first, where these differ."""
_SECOND_INPUT = ("Where",)
# Operators computed while emitting when every input is constant, with numpy functions that give the same bits. Runtimes
# fold these when they load a graph; done here, none of the float64 arithmetic behind known weights reaches a graph.
_FOLD: dict[str, Callable[..., np.ndarray[Any, Any]]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Min": np.minimum,
    "Max": np.maximum,
    "Floor": np.floor,
    "Less": np.less,
    "Where": np.where,
    "Reshape": lambda x, shape: x.reshape([size or x.shape[axis] for axis, size in enumerate(shape.tolist())]),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Pad": lambda x, pads, value: np.pad(x, pads.reshape(2, -1).T, constant_values=value),
    "Squeeze": lambda x, axes: np.squeeze(x, tuple(axes.tolist())),
    "Cast": lambda x, to: x.astype(ir.DataType(to).numpy()),
}
_INVARIANT = frozenset({"Add", "Cast", "Concat", "Expand", "Max", "Min", "Mul", "Pad", "Reshape", "Squeeze", "Sub", "Unsqueeze"})
"""What is moved out of loops where it is the same in every run: nothing that fails on numbers which a loop never meets."""
_BINARY = {"add": "Add", "sub": "Sub", "mul": "Mul", "min": "Min", "max": "Max"}
_COMPARE = {"lt": "Less", "le": "LessOrEqual", "eq": "Equal"}
_LOGIC = {"and": "And", "or": "Or", "not": "Not"}
_ROUND = {"floor": "Floor", "ceil": "Ceil", "round": "Round"}
_EXTREME = {"argmin": "ReduceMin", "smallest": "ReduceMin", "argmax": "ReduceMax", "largest": "ReduceMax", "any": "ReduceMax"}
_KIND = {"bool": "bool", "int": "i64", "float": "f64"}


@dataclass(frozen=True, slots=True)
class Note:
    """A choice between ways to emit the same results.

    Attributes:
        step: the scopes that it was made in: the step's name first.
        about: what was decided, e.g. `vertical axis`.
        choice: what was chosen.
        reason: why.
    """

    step: str
    about: str
    choice: str
    reason: str = ""


class GraphBuilder:
    """Implements `graphproc.ir.builder_protocol.Builder`."""

    def __init__(self, target: str, opset: int, leading: int) -> None:
        self.target = target
        self.opset = opset
        self.nodes: list[ir.Node] = []
        self.initializers: dict[tuple[Any, ...], Value] = {}
        self.types: dict[Value, TensorType] = {}
        self.leading = leading
        self.graph_outputs: list[Value] = []
        self.never: Value | None = None
        self.shared: set[Value] = set()
        self.notes: dict[Note, None] = {}
        """In the order in which they were made, each once."""
        self._symbols: dict[str, Value] = {}
        self._numbers: list[dict[tuple[Any, ...], Value]] = [{}]
        self._scopes: list[str] = []
        self._used: dict[str, int] = {}

    @property
    def pixel_dtype(self) -> str:
        """The element type that uint8 pixels have in the graph: `portable` graphs hold them as float32."""
        return "f32" if self.target == "portable" else "u8"

    # ---- names -------------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of what is emitted inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def unique(self, name: str) -> str:
        """A name in the current scope, numbered from the second use on."""
        path = "/".join((*self._scopes, name))
        count = self._used.get(path, 0)
        self._used[path] = count + 1
        return f"{path}_{count + 1}" if count else path

    def note(self, about: str, choice: str, reason: str = "") -> None:
        """Record a choice; one that was recorded for the same step before is not repeated."""
        self.notes[Note("/".join(self._scopes), about, choice, reason)] = None

    # ---- nodes -------------------------------------------------------------------------------------------------

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        if not op_type[:1].isupper():
            raise AttributeError(op_type)

        def emit(*inputs: Any, outputs: int = 1, dtype: str = "", **attributes: Any) -> Any:
            return self._node(op_type, inputs, outputs, dtype, attributes)

        return emit

    def _emit(self, op_type: str, *inputs: Any, **settings: Any) -> Value:
        value: Value = getattr(self, op_type)(*inputs, **settings)
        return value

    def _node(self, op_type: str, inputs: Sequence[Any], outputs: int, dtype: str, attributes: dict[str, Any]) -> Any:
        values = [self._input(x) for x in inputs]
        if not dtype:
            source = values[1 if op_type in _SECOND_INPUT else 0] if values else None
            dtype = _RESULT.get(op_type) or (self.dtype(source) if source is not None else "i64")
        given = {k: v for k, v in attributes.items() if v is not None}
        known = [value.const_value.numpy() for value in values if value is not None and value.const_value is not None]
        if op_type in _FOLD and len(known) == len(values):
            return self._initializer(np.asarray(_FOLD[op_type](*known, **given), dtype=DTYPES[dtype]))
        name = self.unique(op_type)
        further = ir.TensorType(ELEMENT[_FURTHER.get(op_type, dtype)])
        kinds: list[Any] = [ir.TensorType(ELEMENT[dtype]), *[further] * (outputs - 1)]
        if op_type == "SequenceInsert":
            kinds = [values[0].type]  # type: ignore[union-attr]
        results = [Value(name=f"{name}_out{i if outputs > 1 else ''}", type=kind) for i, kind in enumerate(kinds)]
        node = ir.node(op_type, values, given, outputs=results, name=name)
        self.nodes.append(node)
        return results[0] if outputs == 1 else tuple(results)

    def _input(self, x: Any) -> Value | None:
        if x is None or isinstance(x, Value):
            return x
        if isinstance(x, np.ndarray):
            return self._initializer(x)
        raise TypeError(f"expected a value, a numpy array or None, got {type(x).__name__}")

    def _initializer(self, array: np.ndarray[Any, Any]) -> Value:
        array = np.asarray(array, order="C")  # ascontiguousarray would give scalars an axis
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.initializers:
            kind = _FROM_NUMPY[array.dtype]
            if array.size == 1:
                name = f"{array.reshape(-1)[0]!s}_{kind}" + ("" if array.ndim == 1 else f"_rank{array.ndim}")
            else:
                name = "/".join((*self._scopes, f"constant_{kind}_{'x'.join(map(str, array.shape))}"))
            count = self._used.get(name, 0)
            self._used[name] = count + 1
            name = f"{name}_{count + 1}" if count else name
            tensor = ir.tensor(array, name=name)
            value = Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
            self.initializers[key] = value
        return self.initializers[key]

    # ---- values ------------------------------------------------------------------------------------------------

    def dtype(self, x: Value) -> str:
        """The IR dtype of a value."""
        assert x.dtype is not None
        return _NAME[x.dtype]

    def type_of(self, x: Value) -> TensorType:
        """The IR type of a step's operand; the graph's value has `leading` more axes in front."""
        return self.types[x]

    def with_type(self, x: Value, type: TensorType) -> Value:
        """Remember a value's IR type."""
        self.types[x] = type
        return x

    def apply(self, op: Op, x: Value, type: TensorType) -> Value:
        """Emit another op's rule on a value of the given IR type."""
        result: Value = op.onnx(self, self.with_type(x, type))
        return result

    def constant(self, value: Any, dtype: str) -> Value:
        """A shared initializer."""
        return self._initializer(np.asarray(value, dtype=DTYPES[dtype]))

    def full(self, shape: Value, value: float, dtype: str) -> Value:
        """A tensor of a shape, an int64 vector, of one value."""
        element = ir.tensor(np.array([value], DTYPES[dtype]))
        return self._emit("ConstantOfShape", shape, dtype=dtype, value=element)

    def cast(self, x: Value, dtype: str) -> Value:
        """Convert to an IR dtype."""
        if self.dtype(x) == dtype:
            return x
        return self._emit("Cast", x, dtype=dtype, to=int(ELEMENT[dtype]))

    def range(self, length: Num | Value, dtype: str) -> Value:
        """`[0, 1, ..., length - 1]`.

        A plain side is counted in int64. Of one that was cast ONNX Runtime refuses the graph once free dimensions are overridden:
        it knows the side then, as int64 beside a start of another type. It does not look through other expressions.
        """
        if isinstance(length, int):
            return self.constant(np.arange(length), dtype)
        counted = "i64" if not isinstance(length, Value) and num.is_plain(length) else dtype
        stop = self.cast(length if isinstance(length, Value) else self.num(length), counted)
        numbers = self._emit("Range", self.constant(0, counted), self._emit("Squeeze", stop), self.constant(1, counted))
        return self.cast(numbers, dtype)

    def hoist(self, x: Value, move: Move, merged: int = 0) -> Value:
        """Reshape a value before the arithmetic behind it, unless several outputs return it."""
        return move(x, None) if x in self.shared else hoist_reshape(self, x, move, merged)

    # ---- sizes -------------------------------------------------------------------------------------------------

    def symbol(self, name: str, value: Value) -> None:
        """Say which int64 tensor of shape [1] holds a symbol."""
        self._symbols[name] = value

    def as_num(self, value: Value, low: int = 0) -> Num:
        """An int64 tensor of shape [1] as a number."""
        if value.const_value is not None:
            return int(value.const_value.numpy()[0])
        symbol = num.symbol(str(value.name), low)
        self.symbol(str(value.name), value)
        return symbol

    def num(self, x: Num | Bool) -> Value:
        """A number or expression as a tensor of shape [1]; equal expressions share nodes."""
        if not isinstance(x, Sym):
            return self.constant([x], _KIND[num.kind_of(x)])
        if x.op == "symbol":
            return self._symbols[x.args[0]]
        for numbers in self._numbers:
            if (x,) in numbers:
                return numbers[(x,)]
        with self.scope("sizes") if self._scopes[-1:] != ["sizes"] else nullcontext():
            value = self._expression(x)
        self._numbers[-1][(x,)] = value
        return value

    def _float(self, x: Num) -> Value:
        """A number as float64; conversions of one expression are shared too."""
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

    def _expression(self, x: Sym) -> Value:
        if x.op == "where":
            condition, a, b = x.args
            both = [self._float(v) if x.kind == "float" else self.num(v) for v in (a, b)]
            return self._emit("Where", self.num(condition), *both)
        if x.op in _LOGIC:
            return self._emit(_LOGIC[x.op], *(self.num(a) for a in x.args))
        if x.op == "float":
            return self._float(x.args[0])
        if x.op == "trunc":
            return self.cast(self.num(x.args[0]), "i64")
        if x.op in _ROUND:
            return self.cast(self._emit(_ROUND[x.op], self.num(x.args[0])), "i64")
        if x.op == "to_float32":
            return self.cast(self.cast(self.num(x.args[0]), "f32"), "f64")
        if x.op == "sqrt":
            return self._emit("Sqrt", self._float(x.args[0]))
        if x.op == "table":
            return self.constant(list(x.args), _KIND[x.kind])
        if x.op == "take":
            return self._emit("Gather", *(self.num(a) for a in x.args), axis=0)
        if x.op in _EXTREME:
            return self._extreme(x)
        floats = x.op == "truediv" or any(num.kind_of(a) == "float" for a in x.args)
        a, b = (self._float(v) if floats else self.num(v) for v in x.args)
        if x.op in _BINARY:
            return self._emit(_BINARY[x.op], a, b)
        if x.op in _COMPARE:
            return self._emit(_COMPARE[x.op], a, b)
        if x.op == "truediv":
            return self._emit("Div", a, b)
        if x.op == "mod" and not floats:
            return self._emit("Mod", a, b)
        if x.op == "floordiv" and not floats:  # Python's float `//` is no rounded quotient: 1.0 // 0.1 is 9
            # ONNX divides ints toward zero; taking the remainder first (its sign follows the divisor) rounds down.
            exact = num.low(x.args[0]) >= 0 and num.low(x.args[1]) > 0
            return self._emit("Div", a, b) if exact else self._emit("Div", self._emit("Sub", a, self._emit("Mod", a, b)), b)
        raise EmitError(f"emitter: the size operation {x.op!r} has no ONNX form")

    def _extreme(self, x: Sym) -> Value:
        """A reducer of a table, in float64: runtimes reduce ints in less (CUDA in float32)."""
        table: Sym = x.args[0]
        values = self._float(table)
        extreme = self._emit(_EXTREME[x.op], values, keepdims=1)
        if x.op not in ("argmin", "argmax"):
            return self.cast(extreme, _KIND[x.kind])
        # ArgMax leaves the choice among equal elements to the runtime's device: the first is the least of the indices.
        found = self._emit("Equal", values, extreme)
        indices = self._emit("Where", found, self.constant(np.arange(table.length), "f64"), self.constant([table.length], "f64"))
        return self.cast(self._emit("ReduceMin", indices, keepdims=1), "i64")

    def vector(self, *items: Num | Value) -> Value:
        """An int64 vector; equal ones share a node."""
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
        """`If` with both branches as subgraphs; a Python bool emits one of them in place."""
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
        """`Scan` without carried values: its one output stacks what the body gives for each row of the inputs.

        A rank is declared where runtimes might not infer it: ONNX Runtime before 1.20 runs no body of unknown ranks.
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
        """An empty sequence of tensors."""
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
        """`Loop` a given number of times.

        Args:
            count: how often, an int64 scalar.
            start: the carried values' first contents; sequences keep their type.
            body: gets the index, an int64 scalar, and the carried values; returns their next contents and what is stacked.
            name: the scope.

        Returns:
            The last contents of the carried values, and the stacked ones.
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
        """A graph of what `body` emits; size expressions first met inside stay inside, unless a loop would repeat them."""
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
        """Take out of the nodes of a loop's body those that read nothing of the body's own.

        Args:
            local: the body's own values: its inputs, and its results, which keep their nodes.
        """
        taken, kept = [], []
        for node in self.nodes:
            own = any(value in local for value in (*node.inputs, *node.outputs))
            if own or node.op_type not in _INVARIANT:
                kept.append(node)
                local.update(node.outputs)
            else:
                taken.append(node)
        self.nodes[:] = kept
        return taken
